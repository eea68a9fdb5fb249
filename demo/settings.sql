-- How psql shows the demo: the SQL before each result, and the time after it.
\set ON_ERROR_STOP on
\set QUIET on
\pset pager off
\pset footer off
\pset null ''
SET client_min_messages = warning;
SET jit = off;      -- compiling takes longer than these queries
\timing on
