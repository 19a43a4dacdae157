-- The materialised shopping cart as streaming SQL on Apache Flink: a row for each product of each open cart, kept up to date
-- from the domain events alone. docs/streaming-sql.md says how to run it.

create table cart_events (
  cartId int,
  sku string,
  name string,
  unitPrice decimal(12, 2),
  quantity int,
  quantityInCart int,
  headers map<string, bytes> metadata virtual,
  event_type as cast(headers['eventType'] as string),
  cart_version as cast(cast(headers['aggregateVersion'] as string) as bigint)
) with (
  'connector' = 'kafka',
  'topic' = 'outbox.event.cart',
  'properties.bootstrap.servers' = 'localhost:9092',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);

create table current_carts (
  cart_id int,
  sku string,
  name string,
  quantity int,
  unit_price decimal(12, 2),
  line_total decimal(22, 2),
  primary key (cart_id, sku) not enforced
) with (
  'connector' = 'upsert-kafka',
  'topic' = 'current-carts',
  'properties.bootstrap.servers' = 'localhost:9092',
  'key.format' = 'json',
  'value.format' = 'json'
);

insert into current_carts
select cartId, sku, name, quantity_now, unitPrice, quantity_now * unitPrice
from (
  -- Events that name a product say how many of it are in the cart afterwards. The newest counts, however often it comes.
  select cartId, sku, name, unitPrice, event_type, coalesce(quantityInCart, quantity) as quantity_now,
    row_number() over (partition by cartId, sku order by cart_version desc) as place
  from cart_events
  where sku is not null
) as line
where place = 1
  and event_type <> 'ItemRemoved'
  and not exists (
    select 1 from cart_events as ended
    where ended.cartId = line.cartId and ended.event_type in ('CartCheckedOut', 'CartAbandoned')
  );
