-- A tour of RVBBIT. From the repository's root:
--   rvbbit --cascades . -f examples/quickstart.sql
-- It needs no model and no network: its cascades are rules and SQL, and the last one is answered by words.

-- 1. Plain SQL goes to DuckDB as it stands.
CREATE TABLE products AS
SELECT * FROM 'examples/data/products.csv';

-- 2. MAP runs a cascade once for each row, here five at a time. The query's columns come back as they
--    are and in its order, and the cascade's value beside them.
RVBBIT MAP PARALLEL 5 'examples/cascades/extract_brand.yaml' AS brand
USING (SELECT id, name, price FROM products ORDER BY id LIMIT 10);

-- 3. A cascade may also give an object; it arrives as JSON. This one parses, routes and computes.
RVBBIT MAP PARALLEL 5 'examples/cascades/normalize_product.yaml' AS normalized
USING (SELECT name, price FROM products WHERE name ILIKE '%pack%' ORDER BY name LIMIT 10);

-- 4. A result can be a table. Without a LIMIT of its own a MAP reads at most 1,000 rows.
CREATE TABLE branded AS
RVBBIT MAP PARALLEL 5 'examples/cascades/extract_brand.yaml' AS brand
USING (SELECT * FROM products ORDER BY id);

-- 5. From there on it is SQL again.
SELECT brand, count(*) AS products, round(avg(price), 2) AS average_price
FROM branded
WHERE brand IS NOT NULL
GROUP BY brand
ORDER BY products DESC, brand
LIMIT 10;

-- 6. Cascades call cascades: this one asks extract_brand and then compares the price by SQL.
RVBBIT MAP PARALLEL 5 'examples/cascades/enrich_product.yaml' AS enriched
USING (SELECT name, category, price FROM products ORDER BY price DESC LIMIT 5);

-- 7. RUN runs a cascade once over the whole set, which it sees as a table.
RVBBIT RUN 'examples/cascades/analyze_batch.yaml'
USING (SELECT name, category, price FROM products)
WITH (as_table = 'products_batch');

RVBBIT RUN 'examples/cascades/fraud_batch_analysis.yaml'
USING (SELECT * FROM 'examples/data/transactions.csv' LIMIT 1000)
WITH (as_table = 'daily_txns');

-- 8. The tables that the cascade made stay in the session.
SELECT * FROM _summary_stats ORDER BY total DESC LIMIT 10;

SELECT id, ts, customer_id, merchant, country, amount, score, reasons
FROM _high_risk_txns
ORDER BY score DESC, ts, id
LIMIT 10;

SELECT * FROM _customer_profiles ORDER BY risky_amount DESC, customer_id LIMIT 10;

-- 9. EXPLAIN says what a statement would do and runs nothing.
EXPLAIN RVBBIT MAP PARALLEL 5 'examples/cascades/price_band.yaml' AS band
USING (SELECT id, name, price FROM products);

-- 10. A cell with instructions asks a model. Where there is none, `lexical` may be named in its place: it goes by the
--    words that a text shares with the question, not by their sense. Without `model` here and without one
--    configured the statement would be RVB_NO_MODEL.
RVBBIT MAP PARALLEL 5 'examples/cascades/review_topic.yaml' AS topic
USING (SELECT stars, review_text FROM 'examples/data/reviews.csv' ORDER BY id LIMIT 8)
WITH (model = 'lexical');
