-- Stage 2: the outbox, and a way to it for programs that speak only SQL.
create function tell(about int, kind text, body jsonb) returns void language sql as $$
  with head as (
    insert into outbox_heads values ('order', about::text, 1)
    on conflict (aggregatetype, aggregateid) do update set version = outbox_heads.version + 1
    returning version)
  insert into outbox (id, aggregatetype, aggregateid, type, payload, aggregateversion)
  select gen_random_uuid(), 'order', about::text, kind, body, version from head
$$;

-- What an order is, as an event says it.
create function order_as_told(about int) returns jsonb language sql as $$
  select jsonb_build_object('orderId', o.id, 'status', o.status, 'total', o.total::text, 'lines',
    (select coalesce(jsonb_agg(jsonb_build_object('product', l.product_id::text, 'count', l.quantity) order by l.product_id), '[]')
     from order_lines l where l.order_id = o.id))
  from orders o where o.id = about
$$;

create or replace procedure cancel_stale() language plpgsql as $$
declare stale int;
begin
  update orders set status = 'cancelled' where id = (select min(id) from orders where status = 'placed') returning id into stale;
  if stale is not null then perform tell(stale, 'OrderCancelled', jsonb_build_object('orderId', stale)); end if;
end $$;
