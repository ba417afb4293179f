-- Tables to try statements on, out of examples/data. From the repository's root:
--   rvbbit -f examples/tables.sql -c "RVBBIT MAP PARALLEL 10 'traits/extract_brand.yaml' AS brand USING (SELECT * FROM products LIMIT 200)"
CREATE TABLE products AS
SELECT id, name AS product_name,
       CASE WHEN category IN ('Audio, TV & Smart Home', 'Computers & Accessories', 'Phones & Wearables')
            THEN 'electronics' ELSE category END AS category,
       price, description
FROM 'examples/data/products.csv';

CREATE TABLE reviews AS SELECT * FROM 'examples/data/reviews.csv';

-- The last payment is of today, so that a filter by date finds rows.
CREATE TABLE transactions AS
SELECT * EXCLUDE days REPLACE (ts + to_days(days) AS ts), (ts + to_days(days))::DATE AS date
FROM (SELECT *, (current_date - max(ts::DATE) OVER ())::INTEGER AS days
      FROM 'examples/data/transactions.csv');

CREATE TABLE customers AS
SELECT customer_id AS id, 'Customer ' || customer_id AS name, mode(country) AS country,
       count(*)::INTEGER AS purchases, sum(amount)::DECIMAL(10, 2) AS total, mode(category) AS favourite
FROM transactions GROUP BY customer_id ORDER BY customer_id;

CREATE TABLE high_value_customers AS SELECT * FROM customers ORDER BY total DESC LIMIT 20;

CREATE SCHEMA tweets;
CREATE TABLE tweets.tweets AS SELECT id, review_text AS text FROM reviews WHERE id <= 50;
CREATE TABLE tweets AS FROM tweets.tweets;

CREATE TABLE data AS SELECT id, product_name AS name FROM products;
CREATE TABLE t AS SELECT range::INTEGER AS a FROM range(120);
CREATE TABLE test AS SELECT range::INTEGER AS id, 'text' || range AS text FROM range(20);
CREATE TABLE huge_table AS SELECT range AS id FROM range(12000);
CREATE TABLE large_table AS SELECT range AS id FROM range(50);
CREATE TABLE small_lookup AS SELECT range AS id FROM range(5);
CREATE TABLE L_WEEKDAYS AS
SELECT (range + 1)::INTEGER AS Code, dayname(DATE '2016-01-04' + range::INTEGER) AS Description
FROM range(7);
CREATE TABLE On_Time_On_Time_Performance_2016_1 AS
SELECT 2016 AS Year, (range % 7 + 1)::INTEGER AS DayOfWeek FROM range(70);
