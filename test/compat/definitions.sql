-- The members of the extension vector, one line each, with all that defines them and their comments: psql -At.
with e as (select oid from pg_extension where extname = 'vector'),
d as materialized (select classid, objid from pg_depend, e
  where refclassid = 'pg_extension'::regclass and refobjid = e.oid and deptype = 'e'),
def as materialized (
  select p.oid, 'pg_proc'::regclass as class, pg_get_functiondef(p.oid) as text from pg_proc p where p.oid in (select objid from d) and p.prokind = 'f'
  union all
  select a.aggfnoid, 'pg_proc'::regclass, (to_jsonb(a) - 'aggfnoid' - 'aggtranstype' - 'aggmtranstype' - 'aggsortop')::text
    || format_type(a.aggtranstype, null) || p.proparallel::text
    from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid where p.oid in (select objid from d)
  union all
  select t.oid, 'pg_type'::regclass, (select string_agg(key || '=' || value, ' ' order by key) from jsonb_each_text(to_jsonb(t))
    where key not in ('oid', 'typnamespace', 'typowner', 'typarray', 'typelem', 'typrelid')) from pg_type t
    where t.oid in (select objid from d)
  union all
  select o.oid, 'pg_operator'::regclass, (to_jsonb(o) - 'oid' - 'oprnamespace' - 'oprowner' - 'oprleft' - 'oprright' - 'oprresult'
    - 'oprcom' - 'oprnegate')::text || o.oprcom::regoperator || o.oprnegate::regoperator from pg_operator o
    where o.oid in (select objid from d)
  union all
  select c.oid, 'pg_cast'::regclass, c.castfunc::regprocedure || c.castcontext::text || c.castmethod::text from pg_cast c
    where c.oid in (select objid from d)
  union all
  select c.oid, 'pg_opclass'::regclass, f.opfname || c.opcdefault || format_type(c.opckeytype, null)
    from pg_opclass c join pg_opfamily f on f.oid = c.opcfamily where c.oid in (select objid from d)
  union all
  select f.oid, 'pg_opfamily'::regclass,
    (select string_agg(o.amopstrategy || o.amoppurpose::text || o.amopopr::regoperator || o.amopsortfamily, ' ' order by o.amopopr::regoperator::text)
      from pg_amop o where o.amopfamily = f.oid) ||
    (select string_agg(p.amprocnum || p.amproc::regprocedure::text || format_type(p.amproclefttype, null), ' ' order by p.amprocnum, p.amproc::regprocedure::text)
      from pg_amproc p where p.amprocfamily = f.oid)
    from pg_opfamily f where f.oid in (select objid from d)
)
select replace(pg_describe_object(d.classid, d.objid, 0) || ': ' || coalesce(def.text, '') || ' -- '
    || coalesce(obj_description(d.objid, d.classid::regclass::name), ''), E'\n', ' ')
  from d left join def on def.oid = d.objid and def.class = d.classid
order by 1;
