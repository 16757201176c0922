-- GoogleSQL's functions where DuckDB's own differ. Macros are expanded into the
-- statement, so they cost nothing; they live in the database file, so views that
-- use them work for other readers. Faults are raised by a cast that fails, inside
-- CASE: error() counts as volatile, and TRY() refuses volatile expressions.
CREATE SCHEMA IF NOT EXISTS bq;

-- Division by zero is a fault in GoogleSQL unless the dividend is NULL, and so is
-- an overflow; DuckDB gives inf or NULL.
CREATE OR REPLACE MACRO bq.div(a, b) AS CASE WHEN b = 0 THEN CASE WHEN a IS NOT NULL THEN CAST('division by zero' AS DOUBLE) END
    WHEN isinf(a / b) AND NOT isinf(CAST(a AS DOUBLE)) THEN CAST('overflow in division' AS DOUBLE) ELSE a / b END;
CREATE OR REPLACE MACRO bq.idiv(a, b) AS CASE WHEN b = 0 THEN CASE WHEN a IS NOT NULL THEN CAST('division by zero' AS BIGINT) END ELSE a // b END;
CREATE OR REPLACE MACRO bq.mod(a, b) AS CASE WHEN b = 0 THEN CASE WHEN a IS NOT NULL THEN CAST('division by zero' AS BIGINT) END ELSE a % b END;
CREATE OR REPLACE MACRO bq.safe_divide(a, b) AS CASE WHEN b = 0 OR isinf(a / b) AND NOT isinf(CAST(a AS DOUBLE)) THEN NULL ELSE a / b END;
-- The result x of an operation on a and b, NULL if it overflowed.
CREATE OR REPLACE MACRO bq.safe_finite(x, a, b) AS CASE WHEN isinf(x) AND NOT isinf(a) AND NOT isinf(b) THEN NULL ELSE x END;

-- NUMERIC in billionths, as whole numbers, so that quotients are exact and round
-- half away from zero; DuckDB divides DECIMALs as DOUBLE.
CREATE OR REPLACE MACRO bq.billionths(x) AS CAST(replace(CAST(CAST(x AS DECIMAL(38, 9)) AS VARCHAR), '.', '') AS HUGEINT);
CREATE OR REPLACE MACRO bq.of_billionths(x) AS CAST(x // 1000000000 AS DECIMAL(38, 9)) + CAST(x % 1000000000 AS DECIMAL(9, 0)) * CAST(0.000000001 AS DECIMAL(9, 9));
CREATE OR REPLACE MACRO bq.rounded_quotient(a, b) AS sign(a) * sign(b) * (abs(a) // abs(b) + CASE WHEN abs(a) % abs(b) >= abs(b) - abs(a) % abs(b) THEN 1 ELSE 0 END);
-- Beyond 29 digits the dividend is taken apart, three digits of the quotient at a time.
CREATE OR REPLACE MACRO bq.scaled_quotient(a, b) AS CASE WHEN abs(a) < 100000000000000000000000000000 THEN bq.rounded_quotient(a * 1000000000, b)
    ELSE (a // b) * 1000000000 + ((a % b) * 1000 // b) * 1000000 + ((a % b) * 1000 % b * 1000 // b) * 1000 + bq.rounded_quotient((a % b) * 1000 % b * 1000 % b * 1000, b) END;
-- By a whole number, and up to 2^51 billionths, DOUBLE is exact: a quotient is further from any that rounds otherwise than its error.
CREATE OR REPLACE MACRO bq.is_short_quotient(a, b) AS a BETWEEN -2251799 AND 2251799 AND b BETWEEN -2251799 AND 2251799 AND CAST(b AS DOUBLE) = round(CAST(b AS DOUBLE));
CREATE OR REPLACE MACRO bq.short_quotient(a, b) AS CAST(round(round(CAST(a AS DOUBLE) * 1e9) / CAST(b AS DOUBLE)) / 1e9 AS DECIMAL(38, 9));
-- The lambdas name their operands once: macros repeat theirs, and a quotient of quotients took DuckDB a second to plan.
-- And TRY takes neither aggregates nor windows nor subqueries, and would hide the operands' own faults.
CREATE OR REPLACE MACRO bq.numeric_quotient(a, b) AS CASE WHEN bq.is_short_quotient(a, b) THEN bq.short_quotient(a, b)
    ELSE list_transform([{'n': bq.billionths(a), 'm': bq.billionths(b)}], lambda _q: bq.of_billionths(bq.scaled_quotient(_q.n, _q.m)))[1] END;
CREATE OR REPLACE MACRO bq.numeric_safe_divide(a, b) AS CASE WHEN b = 0 THEN NULL WHEN bq.is_short_quotient(a, b) THEN bq.short_quotient(a, b)
    ELSE list_transform([{'n': bq.billionths(a), 'm': bq.billionths(b)}], lambda _q: TRY(bq.of_billionths(bq.scaled_quotient(_q.n, _q.m))))[1] END;
CREATE OR REPLACE MACRO bq.numeric_div(a, b) AS CASE WHEN b = 0 THEN CASE WHEN a IS NOT NULL THEN CAST('division by zero' AS DECIMAL(38, 9)) END ELSE bq.numeric_quotient(a, b) END;
CREATE OR REPLACE MACRO bq.numeric_idiv(a, b) AS CASE WHEN b = 0 THEN CASE WHEN a IS NOT NULL THEN CAST('division by zero' AS DECIMAL(38, 9)) END
    ELSE CAST(bq.billionths(a) // bq.billionths(b) AS DECIMAL(38, 9)) END;
CREATE OR REPLACE MACRO bq.numeric_avg(total, n) AS CASE WHEN n > 0 THEN bq.numeric_quotient(total, n) END;
-- Halves go to the even neighbour; unit is what is rounded to, in billionths.
CREATE OR REPLACE MACRO bq.round_half_even(x, unit) AS bq.of_billionths(unit * (sign(bq.billionths(x)) * (abs(bq.billionths(x)) // unit
    + CASE WHEN abs(bq.billionths(x)) % unit * 2 > unit OR abs(bq.billionths(x)) % unit * 2 = unit AND abs(bq.billionths(x)) // unit % 2 = 1 THEN 1 ELSE 0 END)));
-- A sum in DuckDB leaves the range of NUMERIC without a word.
CREATE OR REPLACE MACRO bq.in_numeric(x) AS CASE WHEN abs(x) <= CAST('99999999999999999999999999999.999999999' AS DECIMAL(38, 9)) THEN x
    WHEN x IS NOT NULL THEN CAST('overflow of NUMERIC' AS DECIMAL(38, 9)) END;

-- NaN equals nothing and is neither more nor less; in DuckDB it equals itself and
-- is more than everything.
CREATE OR REPLACE MACRO bq.eq(a, b) AS (a = b AND (NOT isnan(a) OR b IS NULL));
CREATE OR REPLACE MACRO bq.ne(a, b) AS (a <> b OR isnan(a) AND b IS NOT NULL);
CREATE OR REPLACE MACRO bq.gt(a, b) AS (a > b AND (NOT isnan(a) OR b IS NULL));
CREATE OR REPLACE MACRO bq.ge(a, b) AS (a >= b AND (NOT isnan(a) OR b IS NULL));
CREATE OR REPLACE MACRO bq.not_nan(x) AS CASE WHEN isnan(x) THEN CAST('NaN has no place in an order' AS DOUBLE) ELSE x END;
-- The sum of squares of NaN or inf is NaN, and faults in DuckDB; one pair has no correlation, which is NaN there.
CREATE OR REPLACE MACRO bq.finite(x) AS CASE WHEN isfinite(x) THEN x END;
CREATE OR REPLACE MACRO bq.stddev(x) AS CASE WHEN count(x) >= 2 AND NOT bool_and(isfinite(x)) THEN CAST('NaN' AS DOUBLE) ELSE stddev(bq.finite(x)) END;
CREATE OR REPLACE MACRO bq.stddev_samp(x) AS CASE WHEN count(x) >= 2 AND NOT bool_and(isfinite(x)) THEN CAST('NaN' AS DOUBLE) ELSE stddev_samp(bq.finite(x)) END;
CREATE OR REPLACE MACRO bq.stddev_pop(x) AS CASE WHEN count(x) >= 1 AND NOT bool_and(isfinite(x)) THEN CAST('NaN' AS DOUBLE) ELSE stddev_pop(bq.finite(x)) END;
CREATE OR REPLACE MACRO bq.variance(x) AS CASE WHEN count(x) >= 2 AND NOT bool_and(isfinite(x)) THEN CAST('NaN' AS DOUBLE) ELSE variance(bq.finite(x)) END;
CREATE OR REPLACE MACRO bq.var_samp(x) AS CASE WHEN count(x) >= 2 AND NOT bool_and(isfinite(x)) THEN CAST('NaN' AS DOUBLE) ELSE var_samp(bq.finite(x)) END;
CREATE OR REPLACE MACRO bq.var_pop(x) AS CASE WHEN count(x) >= 1 AND NOT bool_and(isfinite(x)) THEN CAST('NaN' AS DOUBLE) ELSE var_pop(bq.finite(x)) END;
CREATE OR REPLACE MACRO bq.finite_pair(x, y) AS CASE WHEN x IS NOT NULL AND y IS NOT NULL THEN isfinite(x) AND isfinite(y) END;
CREATE OR REPLACE MACRO bq.covar_pop(x, y) AS CASE WHEN regr_count(x, y) >= 1 AND NOT bool_and(bq.finite_pair(x, y)) THEN CAST('NaN' AS DOUBLE) ELSE covar_pop(bq.finite(x), bq.finite(y)) END;
CREATE OR REPLACE MACRO bq.covar_samp(x, y) AS CASE WHEN regr_count(x, y) >= 2 AND NOT bool_and(bq.finite_pair(x, y)) THEN CAST('NaN' AS DOUBLE) ELSE covar_samp(bq.finite(x), bq.finite(y)) END;
CREATE OR REPLACE MACRO bq.corr(x, y) AS CASE WHEN regr_count(x, y) < 2 THEN NULL WHEN NOT bool_and(bq.finite_pair(x, y)) THEN CAST('NaN' AS DOUBLE) ELSE corr(bq.finite(x), bq.finite(y)) END;

-- NULL if any argument is; DuckDB's skip NULLs.
CREATE OR REPLACE MACRO bq.greatest
    (a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE greatest(a, b) END,
    (a, b, c) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL THEN NULL ELSE greatest(a, b, c) END,
    (a, b, c, d) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL THEN NULL ELSE greatest(a, b, c, d) END,
    (a, b, c, d, e) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL OR e IS NULL THEN NULL ELSE greatest(a, b, c, d, e) END,
    (a, b, c, d, e, f) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL OR e IS NULL OR f IS NULL THEN NULL ELSE greatest(a, b, c, d, e, f) END,
    (a, b, c, d, e, f, g) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL OR e IS NULL OR f IS NULL OR g IS NULL THEN NULL ELSE greatest(a, b, c, d, e, f, g) END,
    (a, b, c, d, e, f, g, h) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL OR e IS NULL OR f IS NULL OR g IS NULL OR h IS NULL THEN NULL ELSE greatest(a, b, c, d, e, f, g, h) END;
CREATE OR REPLACE MACRO bq.least
    (a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE least(a, b) END,
    (a, b, c) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL THEN NULL ELSE least(a, b, c) END,
    (a, b, c, d) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL THEN NULL ELSE least(a, b, c, d) END,
    (a, b, c, d, e) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL OR e IS NULL THEN NULL ELSE least(a, b, c, d, e) END,
    (a, b, c, d, e, f) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL OR e IS NULL OR f IS NULL THEN NULL ELSE least(a, b, c, d, e, f) END,
    (a, b, c, d, e, f, g) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL OR e IS NULL OR f IS NULL OR g IS NULL THEN NULL ELSE least(a, b, c, d, e, f, g) END,
    (a, b, c, d, e, f, g, h) AS CASE WHEN a IS NULL OR b IS NULL OR c IS NULL OR d IS NULL OR e IS NULL OR f IS NULL OR g IS NULL OR h IS NULL THEN NULL ELSE least(a, b, c, d, e, f, g, h) END;
CREATE OR REPLACE MACRO bq.range_bucket(x, bounds) AS CASE WHEN x IS NOT NULL AND bounds IS NOT NULL THEN len(list_filter(bounds, lambda _x: _x <= x)) END;

-- White space of Unicode. DuckDB's TRIM of one argument takes what separates words only, and of two takes five times as long.
CREATE OR REPLACE MACRO bq.spaces() AS chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || ' ' || chr(133) || chr(160) || chr(5760)
    || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198) || chr(8199) || chr(8200) || chr(8201) || chr(8202)
    || chr(8232) || chr(8233) || chr(8239) || chr(8287) || chr(12288);
CREATE OR REPLACE MACRO bq.starts_blank(s) AS regexp_matches(s, '^[\x{09}-\x{0d}\x{85}\x{2028}\x{2029}]');
CREATE OR REPLACE MACRO bq.ends_blank(s) AS regexp_matches(s, '[\x{09}-\x{0d}\x{85}\x{2028}\x{2029}]$');
CREATE OR REPLACE MACRO bq.trim(s) AS CASE WHEN bq.starts_blank(trim(s)) OR bq.ends_blank(trim(s)) THEN trim(s, bq.spaces()) ELSE trim(s) END;
CREATE OR REPLACE MACRO bq.ltrim(s) AS CASE WHEN bq.starts_blank(ltrim(s)) THEN ltrim(s, bq.spaces()) ELSE ltrim(s) END;
CREATE OR REPLACE MACRO bq.rtrim(s) AS CASE WHEN bq.ends_blank(rtrim(s)) THEN rtrim(s, bq.spaces()) ELSE rtrim(s) END;
-- Positions at 0 or before the start mean 1.
CREATE OR REPLACE MACRO bq.substr
    (s, p) AS substr(s, CASE WHEN p = 0 OR p < -length(s) THEN 1 ELSE p END),
    (s, p, n) AS CASE WHEN n < 0 THEN CAST('negative length of SUBSTR' AS BIGINT)::VARCHAR ELSE substr(s, CASE WHEN p = 0 OR p < -length(s) THEN 1 ELSE p END, n) END;
CREATE OR REPLACE MACRO bq.left_part(s, n) AS CASE WHEN n < 0 THEN CAST('negative length of LEFT' AS BIGINT)::VARCHAR ELSE "left"(s, n) END;
CREATE OR REPLACE MACRO bq.right_part(s, n) AS CASE WHEN n < 0 THEN CAST('negative length of RIGHT' AS BIGINT)::VARCHAR ELSE "right"(s, n) END;
-- A text has a megabyte at most, as in BigQuery.
CREATE OR REPLACE MACRO bq.repeat(s, n) AS CASE WHEN n < 0 OR strlen(s) * CAST(n AS HUGEINT) > 1048576
    THEN CAST('negative number of REPEAT, or more than 1 MB' AS BIGINT)::VARCHAR ELSE repeat(s, n) END;
CREATE OR REPLACE MACRO bq.ascii(s) AS CASE WHEN s = '' THEN 0::BIGINT WHEN ascii(s) > 127 THEN CAST('no ASCII character' AS BIGINT) ELSE CAST(ascii(s) AS BIGINT) END;
CREATE OR REPLACE MACRO bq.initcap(s) AS array_to_string(list_transform(regexp_extract_all(lower(s), '[^\s\[\](){}/|<>!?@"^#$&~_,.:;*%+\-]+|[\s\[\](){}/|<>!?@"^#$&~_,.:;*%+\-]+'), lambda _x: upper(_x[1]) || substr(_x, 2)), '');
CREATE OR REPLACE MACRO bq.initcap_by(s, pieces, delimiter) AS array_to_string(list_transform(regexp_extract_all(s, pieces),
    lambda _x: CASE WHEN regexp_full_match(_x, delimiter) THEN _x ELSE upper(_x[1]) || lower(substr(_x, 2)) END), '');
CREATE OR REPLACE MACRO bq.unicode(s) AS CASE WHEN s = '' THEN 0::BIGINT ELSE CAST(unicode(s) AS BIGINT) END;
CREATE OR REPLACE MACRO bq.code_points_to_string(list) AS CASE WHEN len(list) = list_count(list) THEN array_to_string(list_transform(list, lambda _c: chr(CAST(_c AS INTEGER))), '') END;
CREATE OR REPLACE MACRO bq.split(s, d) AS CASE WHEN d <> '' THEN string_split(s, d) WHEN s = '' AND d = '' THEN [''] WHEN d = '' THEN regexp_extract_all(s, '(?s).') END;
CREATE OR REPLACE MACRO bq.filling(f, n) AS CASE WHEN n < 0 OR n > 1048576 THEN CAST('negative length of LPAD or RPAD, or more than 1 MB' AS BIGINT)::VARCHAR
    WHEN f = '' THEN CAST('nothing to fill with in LPAD or RPAD' AS BIGINT)::VARCHAR ELSE f END;
CREATE OR REPLACE MACRO bq.lpad
    (s, n) AS lpad(s, CAST(n AS INTEGER), bq.filling(' ', n)),
    (s, n, f) AS lpad(s, CAST(n AS INTEGER), bq.filling(f, n));
CREATE OR REPLACE MACRO bq.rpad
    (s, n) AS rpad(s, CAST(n AS INTEGER), bq.filling(' ', n)),
    (s, n, f) AS rpad(s, CAST(n AS INTEGER), bq.filling(f, n));
CREATE OR REPLACE MACRO bq.array_to_string(list, d, instead) AS CASE WHEN d IS NOT NULL AND instead IS NOT NULL THEN array_to_string(list_transform(list, lambda _x: coalesce(_x, instead)), d) END;
-- Blanks do not count, and the signs = at the end may be left out.
CREATE OR REPLACE MACRO bq.from_base64(s) AS from_base64(rpad(regexp_replace(s, '\s', '', 'g'), CAST((length(regexp_replace(s, '\s', '', 'g')) + 3) // 4 * 4 AS INTEGER), '='));
CREATE OR REPLACE MACRO bq.regexp_instr(s, r, before) AS CASE WHEN regexp_matches(s, r) THEN length(regexp_extract(s, before, 1)) + 1 WHEN s IS NOT NULL THEN 0 END;

-- BYTES by their hexadecimal digits.
CREATE OR REPLACE MACRO bq.bytes_start(b, p) AS CASE WHEN p = 0 OR p < -octet_length(b) THEN 1 WHEN p < 0 THEN octet_length(b) + p + 1 ELSE p END;
CREATE OR REPLACE MACRO bq.bytes_substr
    (b, p) AS unhex(substr(hex(b), 2 * bq.bytes_start(b, p) - 1)),
    (b, p, n) AS CASE WHEN n < 0 THEN CAST('negative length of SUBSTR' AS BIGINT)::VARCHAR::BLOB ELSE unhex(substr(hex(b), 2 * bq.bytes_start(b, p) - 1, 2 * n)) END;
CREATE OR REPLACE MACRO bq.bytes_left(b, n) AS CASE WHEN n < 0 THEN CAST('negative length of LEFT' AS BIGINT)::VARCHAR::BLOB ELSE unhex("left"(hex(b), 2 * n)) END;
-- The first place where the digits agree from an even place on.
CREATE OR REPLACE MACRO bq.bytes_strpos(b, x) AS CASE WHEN b IS NOT NULL AND x IS NOT NULL THEN coalesce(list_first(list_filter(range(1, octet_length(b) - octet_length(x) + 2),
    lambda _i: substr(hex(b), 2 * _i - 1, 2 * octet_length(x)) = hex(x))), 0) END;
CREATE OR REPLACE MACRO bq.bytes_lpad
    (b, n) AS unhex(lpad(hex(b), CAST(2 * n AS INTEGER), bq.filling('20', n))),
    (b, n, f) AS unhex(lpad(hex(b), CAST(2 * n AS INTEGER), bq.filling(hex(f), n)));
CREATE OR REPLACE MACRO bq.bytes_rpad
    (b, n) AS unhex(rpad(hex(b), CAST(2 * n AS INTEGER), bq.filling('20', n))),
    (b, n, f) AS unhex(rpad(hex(b), CAST(2 * n AS INTEGER), bq.filling(hex(f), n)));
CREATE OR REPLACE MACRO bq.regexp_extract(s, r, g) AS CASE WHEN regexp_matches(s, r) THEN regexp_extract(s, r, g) END;

-- Objects and lists have no scalar value; text that is not JSON has no value at all.
-- Numbers come in their shortest form: 1.5 for 1.50.
-- CASE in CASE, because AND evaluates both sides.
CREATE OR REPLACE MACRO bq.json_value(s, p) AS CASE WHEN json_valid(s) THEN json_extract_string(json_value(s, p), '$') END;
CREATE OR REPLACE MACRO bq.json_query(s, p) AS CASE WHEN json_valid(s) THEN CASE WHEN json_type(s, p) <> 'NULL' THEN CAST(json_extract(s, p) AS VARCHAR) END END;
CREATE OR REPLACE MACRO bq.json_query_array(s, p) AS CASE WHEN json_valid(s) THEN CASE WHEN json_type(s, p) = 'ARRAY'
    THEN list_transform(json_extract(s, p || '[*]'), lambda _x: CAST(_x AS VARCHAR)) END END;
CREATE OR REPLACE MACRO bq.json_value_array(s, p) AS CASE WHEN json_valid(s) THEN CASE WHEN json_type(s, p) = 'ARRAY'
    AND NOT list_has_any(list_transform(json_extract(s, p || '[*]'), lambda _x: json_type(_x)), ['OBJECT', 'ARRAY']) THEN json_extract_string(s, p || '[*]') END END;

-- Time ends with the years 1 and 9999.
CREATE OR REPLACE MACRO bq.in_date(x) AS CASE WHEN CAST(x AS DATE) BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN CAST(x AS DATE)
    WHEN x IS NOT NULL THEN CAST('date out of range' AS DATE) END;
CREATE OR REPLACE MACRO bq.in_timestamp(x) AS CASE WHEN x BETWEEN TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN x
    WHEN x IS NOT NULL THEN CAST('timestamp out of range' AS TIMESTAMP) END;

-- Casts. The text of a fault says what was not understood.
CREATE OR REPLACE MACRO bq.is_int64(s) AS regexp_full_match(s, '\s*[+-]?[0-9]+\s*');
CREATE OR REPLACE MACRO bq.is_number(s) AS regexp_full_match(s, '(?i)\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?\s*');
CREATE OR REPLACE MACRO bq.is_float64(s) AS regexp_full_match(s, '(?i)\s*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf(inity)?|nan)\s*');
CREATE OR REPLACE MACRO bq.is_date(s) AS regexp_full_match(s, '\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\s*');
CREATE OR REPLACE MACRO bq.is_datetime(s) AS regexp_full_match(s, '\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]{0,6})?)?\s*');
CREATE OR REPLACE MACRO bq.is_zoned(s) AS regexp_full_match(s, '\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]{0,6})?)?\s*([Zz]|[+-][0-9]{1,2}(:[0-9]{2})?| [A-Za-z_]+(/[A-Za-z0-9_+\-]+)*)\s*');
CREATE OR REPLACE MACRO bq.str_int64(s) AS CAST(CASE WHEN bq.is_int64(s) THEN trim(s) ELSE 'not an INT64: ' || s END AS BIGINT);
CREATE OR REPLACE MACRO bq.safe_str_int64(s) AS TRY_CAST(CASE WHEN bq.is_int64(s) THEN trim(s) END AS BIGINT);
CREATE OR REPLACE MACRO bq.str_float64(s) AS CAST(CASE WHEN bq.is_float64(s) THEN trim(s) ELSE 'not a FLOAT64: ' || s END AS DOUBLE);
CREATE OR REPLACE MACRO bq.safe_str_float64(s) AS TRY_CAST(CASE WHEN bq.is_float64(s) THEN trim(s) END AS DOUBLE);
CREATE OR REPLACE MACRO bq.str_numeric(s) AS CAST(CASE WHEN bq.is_number(s) THEN trim(s) ELSE 'not a NUMERIC: ' || s END AS DECIMAL(38, 9));
CREATE OR REPLACE MACRO bq.safe_str_numeric(s) AS TRY_CAST(CASE WHEN bq.is_number(s) THEN trim(s) END AS DECIMAL(38, 9));
CREATE OR REPLACE MACRO bq.str_bool(s) AS CASE lower(s) WHEN 'true' THEN true WHEN 'false' THEN false ELSE CAST('not a BOOL: ' || s AS BOOLEAN) END;
CREATE OR REPLACE MACRO bq.safe_str_bool(s) AS CASE lower(s) WHEN 'true' THEN true WHEN 'false' THEN false END;
CREATE OR REPLACE MACRO bq.str_date(s) AS bq.in_date(CAST(CASE WHEN bq.is_date(s) THEN trim(s) ELSE 'not a DATE: ' || s END AS DATE));
CREATE OR REPLACE MACRO bq.safe_str_date(s) AS TRY_CAST(CASE WHEN bq.is_date(s) AND NOT starts_with(trim(s), '0000') THEN trim(s) END AS DATE);
CREATE OR REPLACE MACRO bq.str_datetime(s) AS bq.in_timestamp(CAST(CASE WHEN bq.is_datetime(s) THEN trim(s) ELSE 'not a DATETIME: ' || s END AS TIMESTAMP));
CREATE OR REPLACE MACRO bq.safe_str_datetime(s) AS TRY_CAST(CASE WHEN bq.is_datetime(s) AND NOT starts_with(trim(s), '0000') THEN trim(s) END AS TIMESTAMP);
-- A cast to TIMESTAMP drops an offset; only a cast through TIMESTAMPTZ heeds it.
CREATE OR REPLACE MACRO bq.str_timestamp(s) AS CASE WHEN bq.is_datetime(s) THEN CAST(trim(s) AS TIMESTAMP)
    ELSE timezone('UTC', CAST(CASE WHEN bq.is_zoned(s) THEN trim(s) ELSE 'not a TIMESTAMP: ' || s END AS TIMESTAMPTZ)) END;
CREATE OR REPLACE MACRO bq.safe_str_timestamp(s) AS CASE WHEN bq.is_datetime(s) THEN TRY_CAST(trim(s) AS TIMESTAMP)
    WHEN bq.is_zoned(s) THEN timezone('UTC', TRY_CAST(trim(s) AS TIMESTAMPTZ)) END;
CREATE OR REPLACE MACRO bq.float_text(x) AS CASE WHEN CAST(format('{:.15g}', x) AS DOUBLE) = x THEN format('{:.15g}', x) ELSE format('{:.17g}', x) END;
CREATE OR REPLACE MACRO bq.numeric_text(x) AS rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.');
CREATE OR REPLACE MACRO bq.fraction_text(x) AS CASE WHEN epoch_us(x) % 1000000 = 0 THEN '' WHEN epoch_us(x) % 1000 = 0 THEN strftime(x, '.%g') ELSE strftime(x, '.%f') END;
CREATE OR REPLACE MACRO bq.datetime_text(x) AS strftime(x, '%Y-%m-%d %H:%M:%S') || bq.fraction_text(x);
CREATE OR REPLACE MACRO bq.timestamp_text(x) AS bq.datetime_text(x) || '+00';

-- Values of TO_JSON_STRING.
CREATE OR REPLACE MACRO bq.json_datetime(x) AS strftime(x, '%Y-%m-%dT%H:%M:%S') || bq.fraction_text(x);
CREATE OR REPLACE MACRO bq.json_timestamp(x) AS bq.json_datetime(x) || 'Z';
CREATE OR REPLACE MACRO bq.json_float(x) AS CASE WHEN isfinite(x) THEN CAST(bq.float_text(x) AS JSON) ELSE to_json(CASE WHEN isnan(x) THEN 'NaN' WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END) END;
CREATE OR REPLACE MACRO bq.json_numeric(x) AS CAST(bq.numeric_text(x) AS JSON);
CREATE OR REPLACE MACRO bq.json_int64(x) AS CASE WHEN abs(CAST(x AS HUGEINT)) <= 9007199254740992 THEN to_json(x) ELSE to_json(CAST(x AS VARCHAR)) END;

-- Time. TIMESTAMP holds UTC.
-- Names of the IANA data base; DuckDB knows others, with another meaning.
CREATE OR REPLACE MACRO bq.zone(z) AS CASE WHEN contains(z, '/') OR lower(z) IN ('utc', 'gmt', 'uct', 'zulu', 'universal', 'greenwich', 'cet', 'eet', 'met', 'wet', 'est', 'mst', 'hst',
    'est5edt', 'cst6cdt', 'mst7mdt', 'pst8pdt', 'cuba', 'egypt', 'eire', 'gb', 'gb-eire', 'hongkong', 'iceland', 'iran', 'israel', 'jamaica', 'japan', 'kwajalein', 'libya', 'navajo',
    'nz', 'nz-chat', 'poland', 'portugal', 'prc', 'roc', 'rok', 'singapore', 'turkey', 'w-su') THEN z ELSE CAST('not a time zone that runs here: ' || z AS BIGINT)::VARCHAR END;
CREATE OR REPLACE MACRO bq.to_local(ts, zone) AS timezone(zone, timezone('UTC', ts));
CREATE OR REPLACE MACRO bq.from_local(ts, zone) AS timezone('UTC', timezone(zone, ts));
CREATE OR REPLACE MACRO bq.span(a, b, micros) AS (epoch_us(a) - epoch_us(b)) // micros;
-- Weeks since a Sunday (0) to Saturday (6) long ago; the sum keeps the dividend positive.
CREATE OR REPLACE MACRO bq.week_number(d, first_day) AS (date_diff('day', DATE '1970-01-04', CAST(d AS DATE)) - first_day + 770000) // 7;
CREATE OR REPLACE MACRO bq.week_diff(a, b, first_day) AS bq.week_number(a, first_day) - bq.week_number(b, first_day);
CREATE OR REPLACE MACRO bq.week_of_year(d, first_day) AS (date_part('doy', d) + 6 - (date_part('dow', d) + 7 - first_day) % 7) // 7;
CREATE OR REPLACE MACRO bq.floor_div(a, b) AS (a - ((a % b) + b) % b) // b;
CREATE OR REPLACE MACRO bq.unix_seconds(ts) AS bq.floor_div(epoch_us(ts), 1000000);
CREATE OR REPLACE MACRO bq.unix_millis(ts) AS bq.floor_div(epoch_us(ts), 1000);
CREATE OR REPLACE MACRO bq.date_array(a, b, days) AS list_transform(generate_series(0, date_diff('day', a, b), days), lambda _x: a + CAST(_x AS INTEGER));
-- Every element is counted from the first: the 31st comes back after a short month.
CREATE OR REPLACE MACRO bq.month_array(a, b, months) AS list_filter(
    list_transform(generate_series(0, date_diff('month', a, b), months), lambda _x: CAST(a + to_months(CAST(_x AS INTEGER)) AS DATE)), lambda _y: _y <= b);

-- Arrays. DuckDB counts negative indices from the end and gives NULL beyond it.
CREATE OR REPLACE MACRO bq.at_ordinal(list, i) AS list[CASE WHEN i < 1 OR i > len(list) THEN CAST('array index out of bounds' AS BIGINT) ELSE i END];
CREATE OR REPLACE MACRO bq.at_offset(list, i) AS list[CASE WHEN i < 0 OR i >= len(list) THEN CAST('array index out of bounds' AS BIGINT) ELSE i + 1 END];
CREATE OR REPLACE MACRO bq.safe_ordinal(list, i) AS list[CASE WHEN i >= 1 THEN i END];
CREATE OR REPLACE MACRO bq.safe_offset(list, i) AS list[CASE WHEN i >= 0 THEN i + 1 END];
CREATE OR REPLACE MACRO bq.array_last(list) AS bq.at_ordinal(list, len(list));

-- FALSE where a pair of elements differs, else NULL where one cannot be compared.
CREATE OR REPLACE MACRO bq.array_equal(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(a) <> len(b) THEN false
    ELSE list_reduce(list_concat([true], list_transform(list_zip(a, b), lambda _p: _p[1] = _p[2])), lambda _x, _y: _x AND _y) END;
CREATE OR REPLACE MACRO bq.float_array_equal(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(a) <> len(b) THEN false
    ELSE list_reduce(list_concat([true], list_transform(list_zip(a, b), lambda _p: bq.eq(_p[1], _p[2]))), lambda _x, _y: _x AND _y) END;

-- Values of the JSON type. CASE in CASE: AND evaluates both sides.
CREATE OR REPLACE MACRO bq.parse_json(s) AS CASE WHEN s IS NOT NULL THEN CAST(CASE WHEN json_valid(s) THEN s ELSE 'not JSON: ' || s END AS JSON) END;
CREATE OR REPLACE MACRO bq.json_kind(j) AS CASE json_type(j) WHEN 'NULL' THEN 'null' WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean'
    WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'object' ELSE CASE WHEN j IS NOT NULL THEN 'number' END END;
CREATE OR REPLACE MACRO bq.json_at(j, i) AS CASE WHEN i >= 0 THEN json_extract(j, '$[' || i || ']') END;
CREATE OR REPLACE MACRO bq.json_elements(j, p) AS CAST(CASE WHEN json_type(j, p) = 'ARRAY' THEN json_extract(j, p || '[*]') END AS JSON[]);
CREATE OR REPLACE MACRO bq.json_to_string(j) AS CASE WHEN j IS NOT NULL THEN CASE WHEN json_type(j) = 'VARCHAR' THEN json_extract_string(j, '$')
    ELSE CAST(CAST('not a STRING in JSON: ' || CAST(j AS VARCHAR) AS BIGINT) AS VARCHAR) END END;
CREATE OR REPLACE MACRO bq.json_to_bool(j) AS CASE WHEN j IS NOT NULL THEN CAST(CASE WHEN json_type(j) = 'BOOLEAN' THEN CAST(j AS VARCHAR)
    ELSE 'not a BOOL in JSON: ' || CAST(j AS VARCHAR) END AS BOOLEAN) END;
CREATE OR REPLACE MACRO bq.json_to_float64(j) AS CASE WHEN j IS NOT NULL THEN CAST(CASE WHEN bq.json_kind(j) = 'number' THEN CAST(j AS VARCHAR)
    ELSE 'not a FLOAT64 in JSON: ' || CAST(j AS VARCHAR) END AS DOUBLE) END;
-- A number with a fraction of zero is an INT64 too.
CREATE OR REPLACE MACRO bq.json_to_int64(j) AS CASE WHEN j IS NOT NULL THEN CAST(CASE WHEN json_type(j) IN ('BIGINT', 'UBIGINT') THEN CAST(j AS VARCHAR)
    WHEN json_type(j) = 'DOUBLE' AND TRY_CAST(CAST(j AS VARCHAR) AS DOUBLE) = trunc(TRY_CAST(CAST(j AS VARCHAR) AS DOUBLE)) THEN format('{:.0f}', TRY_CAST(CAST(j AS VARCHAR) AS DOUBLE))
    ELSE 'not an INT64 in JSON: ' || CAST(j AS VARCHAR) END AS BIGINT) END;
CREATE OR REPLACE MACRO bq.lax_number(j) AS CASE WHEN bq.json_kind(j) = 'number' THEN CAST(j AS VARCHAR)
    WHEN json_type(j) = 'VARCHAR' THEN CASE WHEN bq.is_number(json_extract_string(j, '$')) THEN trim(json_extract_string(j, '$')) END END;
CREATE OR REPLACE MACRO bq.lax_int64(j) AS CASE WHEN json_type(j) = 'BOOLEAN' THEN CASE CAST(j AS VARCHAR) WHEN 'true' THEN 1::BIGINT ELSE 0::BIGINT END
    ELSE coalesce(TRY_CAST(CASE WHEN bq.is_int64(bq.lax_number(j)) THEN bq.lax_number(j) END AS BIGINT),
        CASE WHEN NOT bq.is_int64(bq.lax_number(j)) THEN TRY_CAST(round(TRY_CAST(bq.lax_number(j) AS DOUBLE)) AS BIGINT) END) END;
CREATE OR REPLACE MACRO bq.lax_float64(j) AS CASE WHEN bq.json_kind(j) = 'number' THEN TRY_CAST(CAST(j AS VARCHAR) AS DOUBLE)
    WHEN json_type(j) = 'VARCHAR' THEN bq.safe_str_float64(json_extract_string(j, '$')) END;
CREATE OR REPLACE MACRO bq.lax_bool(j) AS CASE json_type(j) WHEN 'BOOLEAN' THEN CAST(j AS VARCHAR) = 'true' WHEN 'VARCHAR' THEN bq.safe_str_bool(json_extract_string(j, '$'))
    ELSE CASE WHEN bq.json_kind(j) = 'number' THEN TRY_CAST(CAST(j AS VARCHAR) AS DOUBLE) <> 0 END END;
CREATE OR REPLACE MACRO bq.lax_string(j) AS CASE json_type(j) WHEN 'VARCHAR' THEN json_extract_string(j, '$') WHEN 'BOOLEAN' THEN CAST(j AS VARCHAR)
    WHEN 'DOUBLE' THEN bq.float_text(TRY_CAST(CAST(j AS VARCHAR) AS DOUBLE) + 0e0) ELSE CASE WHEN bq.json_kind(j) = 'number' THEN CAST(j AS VARCHAR) END END;
CREATE OR REPLACE MACRO bq.json_items(j) AS CAST(CASE WHEN j IS NOT NULL THEN CASE WHEN json_type(j) = 'ARRAY' THEN json_extract(j, '$[*]')
    ELSE [CAST('not an array in JSON: ' || CAST(j AS VARCHAR) AS JSON)] END END AS JSON[]);

-- Parts of FORMAT.
CREATE OR REPLACE MACRO bq.fill_left(s, n) AS CASE WHEN length(s) < n THEN lpad(s, n, ' ') ELSE s END;
CREATE OR REPLACE MACRO bq.fill_right(s, n) AS CASE WHEN length(s) < n THEN rpad(s, n, ' ') ELSE s END;
CREATE OR REPLACE MACRO bq.not_negative(x) AS CASE WHEN x < 0 THEN CAST('FORMAT of a negative number by %x or %o' AS BIGINT) ELSE x END;
CREATE OR REPLACE MACRO bq.float_literal(x) AS bq.float_text(x) || CASE WHEN regexp_full_match(bq.float_text(x), '-?[0-9]+') THEN '.0' ELSE '' END;
CREATE OR REPLACE MACRO bq.numeric_round(x, n) AS CAST(round(x, n) AS DECIMAL(38, 9));
-- The digits of a DECIMAL(38, 9), cut to n behind the point.
CREATE OR REPLACE MACRO bq.numeric_fixed(x, n) AS CASE WHEN x < 0 THEN '-' ELSE '' END
    || CAST(rtrim(substr(CAST(abs(bq.numeric_round(x, n)) AS VARCHAR), 1, length(CAST(abs(bq.numeric_round(x, n)) AS VARCHAR)) - 9 + n), '.') AS VARCHAR);

-- The most frequent values with their counts; NULL is a value.
CREATE OR REPLACE MACRO bq.top_count(x, n) AS CASE WHEN count(*) > 0 THEN list_transform(list_sort(list_concat(
    CASE WHEN count(*) > count(x) THEN [{'c': count(x) - count(*), 'v': NULL}] ELSE [] END,
    coalesce(list_transform(map_entries(histogram(x)), lambda _e: {'c': -CAST(_e.value AS BIGINT), 'v': _e.key}), [])))[1:n], lambda _e: {'value': _e.v, 'count': -_e.c}) END;

-- A number of rows that is computed of constants.
CREATE OR REPLACE MACRO bq.rows(n) AS CAST(CASE WHEN n >= 0 THEN CAST(n AS VARCHAR) ELSE 'a LIMIT or OFFSET is negative or NULL' END AS BIGINT);

-- INTERVAL: months, days and microseconds.
CREATE OR REPLACE MACRO bq.interval_months(i) AS date_part('year', i) * 12 + date_part('month', i);
CREATE OR REPLACE MACRO bq.interval_micros(i) AS date_part('hour', i) * 3600000000 + date_part('minute', i) * 60000000 + date_part('microsecond', i);
CREATE OR REPLACE MACRO bq.interval_length(i) AS (bq.interval_months(i) * 30 + date_part('day', i)) * 86400000000 + bq.interval_micros(i);
CREATE OR REPLACE MACRO bq.without_months(i) AS to_microseconds(date_part('day', i) * 86400000000 + bq.interval_micros(i)
    + CASE WHEN bq.interval_months(i) <> 0 THEN CAST('a TIMESTAMP has no MONTH or YEAR to add' AS BIGINT) ELSE 0 END);
CREATE OR REPLACE MACRO bq.interval_text(i) AS CASE WHEN bq.interval_months(i) < 0 THEN '-' ELSE '' END || abs(bq.interval_months(i)) // 12 || '-' || abs(bq.interval_months(i)) % 12
    || ' ' || date_part('day', i) || ' ' || CASE WHEN bq.interval_micros(i) < 0 THEN '-' ELSE '' END || abs(bq.interval_micros(i)) // 3600000000
    || ':' || abs(bq.interval_micros(i)) // 60000000 % 60 || ':' || abs(bq.interval_micros(i)) // 1000000 % 60
    || CASE WHEN abs(bq.interval_micros(i)) % 1000000 = 0 THEN '' WHEN abs(bq.interval_micros(i)) % 1000 = 0 THEN printf('.%03d', abs(bq.interval_micros(i)) % 1000000 // 1000)
        ELSE printf('.%06d', abs(bq.interval_micros(i)) % 1000000) END;
