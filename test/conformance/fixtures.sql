-- The tables that the statements of seeds.sql read; the seeds name them and show none.
CREATE TABLE data AS SELECT i AS id, 'item ' || i AS name FROM range(1, 601) r(i);
CREATE TABLE products AS
SELECT i AS id,
       CASE i % 3 WHEN 0 THEN 'Apple iPhone ' WHEN 1 THEN 'Sony WH-' ELSE 'Plain cup ' END || i AS product_name,
       CASE i % 5 WHEN 0 THEN 'made of recycled bamboo' ELSE 'single-use plastic, batch ' || (i % 4) END AS description,
       CASE i % 2 WHEN 0 THEN 'electronics' ELSE 'kitchen' END AS category,
       (i * 7 % 90)::DECIMAL(10, 2) AS price
FROM range(1, 251) r(i);
CREATE TABLE transactions AS
SELECT i AS id, current_date - (i % 3)::INTEGER AS date, i % 7 AS customer, (i * 31 % 900)::DOUBLE AS amount
FROM range(1, 301) r(i);
CREATE TABLE huge_table AS SELECT i AS id FROM range(10050) r(i);
CREATE TABLE t AS SELECT i AS a FROM range(120) r(i);
CREATE TABLE high_value_customers AS SELECT i AS id, 'customer ' || i AS name FROM range(8) r(i);
CREATE TABLE reviews AS SELECT CASE i % 2 WHEN 0 THEN 'good' ELSE 'bad' END || ' no. ' || (i % 6) AS review_text
FROM range(40) r(i);
CREATE TABLE On_Time_On_Time_Performance_2016_1 AS SELECT 2016 AS Year, i % 7 + 1 AS DayOfWeek FROM range(70) r(i);
CREATE TABLE L_WEEKDAYS AS
SELECT * FROM (VALUES (1, 'Monday'), (2, 'Tuesday'), (3, 'Wednesday'), (4, 'Thursday'), (5, 'Friday'),
                      (6, 'Saturday'), (7, 'Sunday'), (9, 'Unknown')) w(Code, Description);
CREATE TABLE large_table AS SELECT i AS id FROM range(50) r(i);
CREATE TABLE small_lookup AS SELECT i AS id FROM range(5) r(i);
CREATE TABLE tweets AS SELECT i AS id, 'tweet ' || i AS text FROM range(12) r(i);
CREATE SCHEMA tweets;
CREATE TABLE tweets.tweets AS SELECT i AS id, 'SQL and AI, no. ' || i AS text FROM range(12) r(i);
