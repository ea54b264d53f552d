-- What a thousand runs say together, by duckdb over a table of kanalyze:
--
--     kanalyze table logs/ -o events.parquet
--     duckdb -c ".read examples/duckdb.sql"
--
-- For the folder that Spark or --partition-by writes: FROM read_parquet('events/**/*.parquet', hive_partitioning = true).
CREATE OR REPLACE TEMP VIEW events AS FROM read_parquet('events.parquet');

-- Titles by the number of logs that have them.
SELECT title, count(DISTINCT log) AS logs, count(*) AS reports
FROM events WHERE record = 'report' AND cause IS NULL AND NOT suppressed
GROUP BY title ORDER BY logs DESC, reports DESC, title LIMIT 20;

-- Causes: equal title, type, stack and locks. What has few rows here goes on to `kanalyze table --cluster`.
CREATE OR REPLACE TEMP TABLE causes AS
SELECT cause_id, count(*) AS reports, count(DISTINCT log) AS logs, any_value(title) AS title,
       any_value(cause_stack) AS stack, min((log, "index")) AS first_seen
FROM events WHERE record = 'report' AND cause IS NULL AND NOT suppressed
GROUP BY cause_id;
SELECT reports, logs, title, stack[1:4] AS stack FROM causes ORDER BY reports DESC, title LIMIT 20;

-- The share of logs with a crash, by release; logs that could not be read are no part of it.
WITH read AS (SELECT log FROM events WHERE record = 'log' AND len(damage) = 0),
     crashed AS (SELECT log, any_value(kernel_version) AS kernel FROM events WHERE record = 'report' AND cause IS NULL GROUP BY log)
SELECT coalesce(kernel, '(no crash)') AS kernel, count(*) AS logs, round(count(*) / (SELECT count(*) FROM read), 4) AS share
FROM read LEFT JOIN crashed USING (log) GROUP BY kernel ORDER BY logs DESC, kernel;

-- Logs that could not be read.
SELECT log, damage[1] AS why FROM events WHERE record = 'log' AND len(damage) > 0 ORDER BY log LIMIT 20;
