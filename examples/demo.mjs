// What `npm start` shows: four statements, their rows, and what each of them cost. Nothing leaves this machine: the model
// is a simulated server, which speaks OpenAI's protocol, takes a tenth of a second for an answer, and has prices.
import { Engine } from 'rvbbit';
import { startSimulator } from 'rvbbit/testing';

// US dollars for a million tokens.
const PRICE = { inputPerMtok: 0.15, outputPerMtok: 0.6 };

const model = await startSimulator({
  latency: { kind: 'constant', ms: 100 },
  rules: [
    { when: { matches: '<text>[^<]*([Bb]atter|[Cc]harg)' }, answer: { answer: true } },
    { answer: { answer: false } },
  ],
});
const engine = await Engine.open({
  cascades: 'examples/cascades',
  providers: { simulated: { baseUrl: model.url, prices: { small: PRICE } } },
  model: 'simulated/small',
});

await show(
  'A cascade (rules, here) runs once for each row, five at a time; its value is a column.',
  `SELECT brand, count(*) AS products, round(avg(price)) AS price FROM (RVBBIT MAP PARALLEL 5 'extract_brand.yaml' AS brand
   USING (FROM 'examples/data/products.csv')) WHERE brand IS NOT NULL GROUP BY brand ORDER BY products DESC, brand LIMIT 3`,
);
await show(
  'A model (a simulated one) answers in a WHERE, ten calls in flight; no call is made once LIMIT has its rows.',
  `-- @ parallel: 10
   SELECT stars, review_text FROM 'examples/data/reviews.csv' WHERE review_text MEANS 'tells of the battery' LIMIT 3`,
);
await show(
  'What was answered before is not bought again.',
  `SELECT stars, count(*) AS reviews FROM 'examples/data/reviews.csv'
   WHERE review_text MEANS 'tells of the battery' GROUP BY stars ORDER BY stars DESC LIMIT 3`,
);
await show(
  'RUN gives a cascade all rows at once, as a table. Here its SQL makes three tables for the session.',
  `RVBBIT RUN 'fraud_batch_analysis.yaml' USING (FROM 'examples/data/transactions.csv' LIMIT 1000)
   RETURNING TABLES WITH (as_table = 'transactions')`,
);
await engine.close();
await model.close();

console.log(`Try next:
   npx rvbbit -f examples/quickstart.sql --format table    # a tour in ten statements
   RVBBIT_MODEL=lexical npx rvbbit -c "FROM 'examples/data/reviews.csv' WHERE review_text MEANS 'comfortable' LIMIT 5"
   npx rvbbit init my-project                              # a folder of your own to begin with`);

/** Runs a statement, and prints it, its rows and its account. */
async function show(title, sql) {
  const { rows, summary } = await engine.query(sql);
  const { calls, costMicroUsd, durationMs } = summary;
  console.log(`${title}\n   ${sql}`);
  printTable(rows);
  console.log(
    `   = ${summary.runs} ${summary.runs === 1 ? 'run' : 'runs'}, ${calls.sent} model calls, ${calls.cacheHits} stored answers, ` +
      `$${((costMicroUsd ?? 0) / 1e6).toFixed(4)}, ${(durationMs / 1000).toFixed(1)} s\n`,
  );
}

function printTable(rows) {
  const names = Object.keys(rows[0]);
  const lines = [names, ...rows.map((row) => names.map((name) => cut(String(row[name]))))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  for (const line of lines) {
    console.log(
      `   │ ${line
        .map((text, column) => text.padEnd(widths[column]))
        .join('  ')
        .trimEnd()}`,
    );
  }
}

function cut(text) {
  return text.length > 84 ? `${text.slice(0, 83)}…` : text;
}
