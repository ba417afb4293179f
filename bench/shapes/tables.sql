-- The tables. `t`: 240 different texts, about a tenth of them rare, nine tenths common, half of them even. `l` and `r`:
-- 24 texts each. `n`: 40 notes with 8 different texts.
CREATE MACRO has(d, word) AS list_contains(string_split(d, ' '), word);
CREATE TABLE t AS SELECT i AS id, i % 12 AS c, DATE '2021-01-01' + (i // 10)::INT AS day, concat('text ', i,
  CASE WHEN hash(i) % 10 = 0 THEN ' rare' ELSE '' END, CASE WHEN hash(i + 1000) % 10 > 0 THEN ' common' ELSE '' END,
  CASE WHEN hash(i + 2000) % 2 = 0 THEN ' even' ELSE ' odd' END) AS d FROM range(240) r(i);
CREATE TABLE l AS SELECT i AS id, i % 4 AS k, 'left ' || i || CASE WHEN i % 3 = 0 THEN ' rare' ELSE '' END AS d FROM range(24) r(i);
CREATE TABLE r AS SELECT i AS id, i % 4 AS k, 'right ' || i || CASE WHEN i % 5 = 0 THEN ' even' ELSE '' END AS d FROM range(24) r(i);
CREATE TABLE n AS SELECT i AS id, i % 20 AS t_id, 'note ' || (i % 8) || CASE WHEN i % 8 < 2 THEN ' rare' ELSE '' END AS d FROM range(40) r(i);

-- What the model answers.
CREATE MACRO plain_means(d, word) AS has(d, word);
CREATE MACRO plain_about(d, word) AS (CASE WHEN has(d, word) THEN 0.9 ELSE 0.1 END)::DOUBLE;
-- The first label that the text contains, else the last label.
CREATE MACRO plain_classify(d, labels) AS coalesce(list_filter(string_split(labels, ', ')[:-2], lambda x: has(d, x))[1], string_split(labels, ', ')[-1]);
