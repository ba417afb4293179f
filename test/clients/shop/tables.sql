-- The database of the client tests: a table to ask about, and a value of every common type.
CREATE TABLE products (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, price DECIMAL(10, 2), description VARCHAR);
INSERT INTO products VALUES
  (1, 'Bamboo brush', 4.50, 'an eco-friendly brush'),
  (2, 'Plastic fork', 1.25, 'a box of forks'),
  (3, 'Solar lamp', 39.90, 'an eco-friendly lamp for the garden'),
  (4, 'Gold watch', 899.00, 'a watch for parties'),
  (5, 'Cotton bag', 7.00, NULL);
CREATE TABLE kinds (
  b BOOLEAN, i2 SMALLINT, i4 INTEGER, i8 BIGINT, f8 DOUBLE, n DECIMAL(20, 5), t VARCHAR, y BLOB, d DATE,
  ts TIMESTAMP, tz TIMESTAMPTZ, u UUID, j JSON, a INTEGER[], s VARCHAR[]
);
INSERT INTO kinds VALUES (
  true, -7, 42, 9007199254740993, 0.5, 12345.67890, 'Grüße ''x'' \ 日本', '\x00\xFFab'::BLOB, '2024-02-29',
  '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56+00', '0b6e6a52-8d57-4c1c-9f1e-7f1f4f6d9c11', '{"a": [1, null]}',
  [1, NULL, 3], ['x', 'y,"z"', NULL]
), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
