// Prints transactions.csv: node examples/data/make-transactions.mjs > examples/data/transactions.csv
// Seeded and free of floating-point functions, so that every platform prints the same bytes.
// Planted among ordinary purchases: bursts of online payments, round amounts at night, and cards
// that are present abroad minutes after they were present at home.

const ROWS = 1_000;
const CUSTOMERS = 80;
const FIRST_DAY = Date.UTC(2026, 2, 2);
const DAYS = 7;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Category, typical amount in cents, chance in percent that the card is present, merchants. */
const SHOPS = [
  ['Groceries', 4_500, 92, ['Greenleaf Market', 'Harbour Foods', 'Corner Pantry']],
  ['Restaurants', 2_800, 88, ['Blue Door Bistro', 'Noodle Lane', 'Taqueria Luna']],
  ['Fuel', 5_200, 97, ['Northway Fuel', 'Crossroads Petrol']],
  ['Transport', 1_600, 40, ['City Metro', 'Swift Cabs']],
  ['Clothing', 7_500, 60, ['Thread & Loom', 'Urban Cotton']],
  ['Electronics', 18_000, 35, ['Voltage Electronics', 'Pixel Depot']],
  ['Pharmacy', 2_200, 85, ['Wellspring Pharmacy', 'Careplus Drugs']],
  ['Entertainment', 1_900, 15, ['StreamBox', 'Cinema Aurora']],
];
const COUNTRIES = ['US', 'US', 'US', 'US', 'US', 'GB', 'DE', 'FR', 'CA', 'NL'];
const ABROAD = ['BR', 'TH', 'ZA', 'AE'];

/** Mulberry32: whole numbers from 0 to n - 1. */
function randomFrom(seed) {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
}

const random = randomFrom(20260302);
const pick = (list) => list[random(list.length)];
const homes = Array.from({ length: CUSTOMERS }, () => pick(COUNTRIES));
const rows = [];

function add(at, customer, merchant, category, country, cents, cardPresent) {
  rows.push({ at, customer, merchant, category, country, cents, cardPresent });
}

function daytime() {
  return FIRST_DAY + random(DAYS) * DAY + 7 * HOUR + random(16 * 60) * MINUTE + random(60) * 1_000;
}

// Bursts: one customer, ten online payments within minutes, small ones first.
for (const customer of [7, 23, 41, 58]) {
  const start = FIRST_DAY + random(DAYS) * DAY + random(22) * HOUR + random(60) * MINUTE;
  for (let i = 0; i < 10; i++) {
    const cents = i < 3 ? 100 + random(200) : 15_000 + random(45_000);
    const at = start + i * 45_000 + random(20) * 1_000;
    add(
      at,
      customer,
      pick(['GiftCard Direct', 'Pixel Depot']),
      'Electronics',
      homes[customer - 1],
      cents,
      false,
    );
  }
}

// Round amounts in the small hours.
for (const customer of [12, 34, 34, 49, 49, 49, 66, 66, 71, 71]) {
  const at = FIRST_DAY + random(DAYS) * DAY + HOUR + random(3 * 60) * MINUTE + random(60) * 1_000;
  add(
    at,
    customer,
    'QuickCash Transfer',
    'Money transfer',
    homes[customer - 1],
    50_000 * (1 + random(4)),
    false,
  );
}

// A card at home, and less than an hour later in another part of the world.
for (const customer of [3, 19, 30, 62, 77]) {
  const at = daytime();
  add(at, customer, 'Harbour Foods', 'Groceries', homes[customer - 1], 2_000 + random(4_000), true);
  const country = pick(ABROAD);
  for (let i = 0; i < 2; i++) {
    add(
      at + (25 + 15 * i) * MINUTE + random(60) * 1_000,
      customer,
      'Grand Bazaar Jewels',
      'Jewellery',
      country,
      40_000 + random(90_000),
      true,
    );
  }
}

while (rows.length < ROWS) {
  const customer = 1 + random(CUSTOMERS);
  const [category, typical, presentPercent, merchants] = pick(SHOPS);
  // The product of two whole numbers: many amounts below the typical one, few far above it.
  const cents = 150 + Math.floor(((30 + random(170)) * (30 + random(170)) * typical) / 10_000);
  add(
    daytime(),
    customer,
    pick(merchants),
    category,
    homes[customer - 1],
    cents,
    random(100) < presentPercent,
  );
}

rows.sort((a, b) => a.at - b.at);
const lines = rows.map((row, index) => {
  const at = new Date(row.at).toISOString().slice(0, 19).replace('T', ' ');
  const amount = `${Math.floor(row.cents / 100)}.${String(row.cents % 100).padStart(2, '0')}`;
  return [
    index + 1,
    at,
    row.customer,
    row.merchant,
    row.category,
    row.country,
    amount,
    row.cardPresent,
  ].join(',');
});
process.stdout.write(
  `${['id,ts,customer_id,merchant,category,country,amount,card_present', ...lines].join('\n')}\n`,
);
