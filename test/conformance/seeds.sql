-- Every SQL statement of the seeds, as written there; a `;` stands where a seed has none at the end of a block.

-- seed 000.1
RVBBIT RUN 'cascade.yaml'
USING (SELECT * FROM data LIMIT 500)
WITH (as_table = 'batch_data');

-- seed 000.2
RVBBIT MAP 'enrich.yaml' AS brand
USING (SELECT * FROM products LIMIT 100);

-- seed 000.3
RVBBIT RUN 'analyze_batch.yaml'
USING (SELECT * FROM products LIMIT 100)
WITH (as_table = 'products_batch');

-- seed 000.4
RVBBIT RUN 'traits/analyze_batch.yaml'
USING (SELECT * FROM products LIMIT 100)
WITH (as_table = 'batch_products');

-- seed 000.5
SELECT rvbbit_run_batch(
  'traits/analyze_batch.yaml',
  (SELECT json_group_array(to_json(i)) FROM (
    SELECT * FROM products LIMIT 100
  ) AS i),
  'batch_products'
) AS result;

-- seed 000.6
RVBBIT RUN 'traits/analyze_batch.yaml'
USING (
  SELECT * FROM products
  WHERE category = 'electronics'
  LIMIT 500
)
WITH (as_table = 'electronics_batch');

-- seed 000.7
RVBBIT RUN 'cascades/fraud_batch_analysis.yaml'
USING (
  SELECT * FROM transactions
  WHERE date >= current_date - INTERVAL '1 day'
  LIMIT 1000
)
WITH (as_table = 'daily_txns');

-- seed 000.8
RVBBIT MAP 'analyze.yaml' AS analysis
USING (SELECT * FROM products LIMIT 100);

-- seed 000.9
RVBBIT RUN 'analyze_batch.yaml'
USING (SELECT * FROM products LIMIT 100)
WITH (as_table = 'products_batch');

-- seed 000.10
RVBBIT RUN 'batch.yaml'
USING (SELECT * FROM huge_table);

-- seed 000.11
RVBBIT RUN 'batch.yaml'
USING (SELECT * FROM t LIMIT 50000);  -- Uses 50,000 if safe

-- seed 000.12
RVBBIT RUN 'traits/analyze_batch.yaml'
USING (
  SELECT * FROM (VALUES
    ('Apple iPhone 15', 1199.99),
    ('Samsung Galaxy S24', 1299.99),
    ('Sony WH-1000XM5', 399.99)
  ) AS t(product_name, price)
)
WITH (as_table = 'products_batch');

-- seed 000.13
RVBBIT MAP 'enrich.yaml' AS enriched
USING (SELECT * FROM products LIMIT 100);

-- seed 000.14
RVBBIT MAP PARALLEL 10 'enrich.yaml' AS enriched
USING (SELECT * FROM products LIMIT 100);

-- seed 000.15
RVBBIT RUN 'analyze.yaml'
USING (SELECT * FROM products LIMIT 1000)
WITH (as_table = 'batch');

-- seed 001.1
RVBBIT MAP PARALLEL <max_workers> 'cascade.yaml'
USING (SELECT ...);

-- seed 001.2
RVBBIT MAP 'x' USING (SELECT a FROM t LIMIT 10);

-- seed 001.3
WITH rvbbit_input AS (SELECT a FROM t LIMIT 10)
SELECT i.*, rvbbit_run('x', to_json(i)) AS result
FROM rvbbit_input i;

-- seed 001.4
RVBBIT MAP PARALLEL 5 'x' USING (SELECT a FROM t LIMIT 10);

-- seed 001.5
WITH rvbbit_input AS (SELECT a FROM t LIMIT 10)
SELECT unnest(json_extract(results, '$[*]'), recursive := true)
FROM (
  SELECT rvbbit_map_parallel(
    'x',
    (SELECT json_group_array(to_json(i)) FROM rvbbit_input i),
    5
  ) AS results
);

-- seed 001.6
RVBBIT MAP PARALLEL 3 'cascades/gpt4_analysis.yaml' AS analysis
USING (
  SELECT * FROM high_value_customers LIMIT 50
);

-- seed 001.7
RVBBIT MAP PARALLEL 10 'traits/extract_brand.yaml' AS brand
USING (
  SELECT * FROM products LIMIT 200
);

-- seed 001.8
RVBBIT MAP PARALLEL 50 'traits/classify_sentiment.yaml' AS sentiment
USING (
  SELECT review_text FROM reviews LIMIT 1000
);

-- seed 001.9
RVBBIT MAP 'x' USING (SELECT * FROM t LIMIT 100);

-- seed 001.10
RVBBIT MAP PARALLEL 10 'x' USING (SELECT * FROM t LIMIT 100);

-- seed 001.11
RVBBIT MAP PARALLEL 3 'expensive' USING (...);

-- seed 001.12
RVBBIT MAP PARALLEL 5 'costly' USING (...);

-- seed 001.13
RVBBIT MAP PARALLEL 10 'local_llama' USING (...);

-- seed 001.14
RVBBIT MAP PARALLEL 50 'fast' USING (SELECT * FROM t LIMIT 1000);

-- seed 001.15
RVBBIT MAP 'traits/extract_brand.yaml' AS brand
USING (
  SELECT * FROM (VALUES
    ('Apple iPhone 15'),
    ('Samsung Galaxy S24'),
    ('Sony WH-1000XM5'),
    ('Google Pixel 8'),
    ('OnePlus 12')
  ) AS t(product_name)
);

-- seed 001.16
RVBBIT MAP PARALLEL 5 'traits/extract_brand.yaml' AS brand
USING (
  SELECT * FROM (VALUES
    ('Apple iPhone 15'),
    ('Samsung Galaxy S24'),
    ('Sony WH-1000XM5'),
    ('Google Pixel 8'),
    ('OnePlus 12')
  ) AS t(product_name)
);

-- seed 002.1
SELECT COUNT(*) FROM test WHERE matches_parallel('test', text);

-- seed 002.2
-- @ parallel: 5
SELECT * FROM products WHERE description MEANS 'eco' LIMIT 100;

-- seed 002.3
WITH collected AS (
  SELECT id, description FROM products LIMIT 100
)
SELECT * FROM products
WHERE id IN (
  SELECT id FROM semantic_batch_matches('eco', collected, 5)
  WHERE result = true
);

-- seed 002.4
-- @ parallel: 5
SELECT * FROM products WHERE description MEANS 'eco-friendly' LIMIT 100;

-- seed 002.5
SELECT p.*
FROM products p
WHERE id IN (
  SELECT json_extract(value, '$.id')::INT
  FROM read_json_auto([
    semantic_batch_matches(
      'eco-friendly',
      (SELECT json_group_array(json_object('id', id, 'text', description))
       FROM products LIMIT 100),
      5
    )
  ])
  WHERE json_extract(value, '$.result')::BOOLEAN = true
);

-- seed 002.6
-- @ parallel: 5
SELECT * FROM products WHERE description MEANS 'eco' LIMIT 100;

-- seed 002.7
(SELECT * FROM products WHERE id % 5 = 0 AND description MEANS 'eco' LIMIT 20)
UNION ALL
(SELECT * FROM products WHERE id % 5 = 1 AND description MEANS 'eco' LIMIT 20)
UNION ALL
(SELECT * FROM products WHERE id % 5 = 2 AND description MEANS 'eco' LIMIT 20)
UNION ALL
(SELECT * FROM products WHERE id % 5 = 3 AND description MEANS 'eco' LIMIT 20)
UNION ALL
(SELECT * FROM products WHERE id % 5 = 4 AND description MEANS 'eco' LIMIT 20);

-- seed 003.1
SET SESSION use_secondary_engine = FORCED;

-- seed 003.2
SELECT l.Description as Day, COUNT(*) as FlightCount
FROM On_Time_On_Time_Performance_2016_1 t    -- 432K rows (large)
JOIN L_WEEKDAYS l ON t.DayOfWeek = l.Code    -- 8 rows (lookup table)
WHERE t.Year = 2016
GROUP BY l.Description
ORDER BY FlightCount DESC;

-- seed 003.3
SHOW ENGINES;

-- seed 003.4
SET SESSION use_secondary_engine = FORCED;

-- seed 003.5
SELECT COUNT(*) FROM On_Time_On_Time_Performance_2016_1 t
JOIN L_WEEKDAYS l ON t.DayOfWeek = l.Code;

-- seed 003.6
SET SESSION use_secondary_engine = FORCED;

-- seed 003.7
EXPLAIN FORMAT=TREE
SELECT * FROM large_table t JOIN small_lookup l ON t.id = l.id LIMIT 10;

-- seed 004.1
-- @ parallel: 5
SELECT id, text ALIGNS 'SQL is good for AI' as score2
FROM (select * from tweets.tweets limit 10);

-- seed 004.2
SELECT slow_udf(id) FROM test;

-- seed 004.3
(SELECT slow_udf(id) FROM test WHERE id % 3 = 0)
UNION ALL
(SELECT slow_udf(id) FROM test WHERE id % 3 = 1)
UNION ALL
(SELECT slow_udf(id) FROM test WHERE id % 3 = 2);

-- seed 004.4
(SELECT slow_udf(id) FROM test WHERE hash(id) % 3 = 0)
UNION ALL
(SELECT slow_udf(id) FROM test WHERE hash(id) % 3 = 1)
UNION ALL
(SELECT slow_udf(id) FROM test WHERE hash(id) % 3 = 2);

-- seed 004.5
SELECT id, text ALIGNS 'x' as score
FROM tweets
LIMIT 10;

-- seed 004.6
-- @ parallel: 8
SELECT id, text ALIGNS 'x' FROM tweets LIMIT 100;

-- seed 004.7
CREATE TABLE test (id INT, text VARCHAR);

-- seed 004.8
INSERT INTO test SELECT i, 'text' || i FROM range(20);

-- seed 004.9
-- @ parallel: 5
SELECT id FROM test WHERE id < 20 LIMIT 20;

-- seed 004.10
SELECT
    session_id,
    cascade_id,
    timestamp,
    duration_ms,
    model
FROM rvbbit.unified_logs
WHERE session_id LIKE '%semantic_aligns%'
ORDER BY timestamp
LIMIT 20;
