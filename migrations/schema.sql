-- What all migrations together make of an empty database. Written by `npx vitest run --project pg schema-dump -u`.

create table cart_discounts (
  cart_id integer not null,
  code text not null,
  amount numeric(12,2) not null,
  constraint cart_discounts_cart_id_code_pk PRIMARY KEY (cart_id, code),
  constraint cart_discounts_amount_check CHECK ((amount < (0)::numeric)),
  constraint cart_discounts_cart_id_carts_id_fk FOREIGN KEY (cart_id) REFERENCES carts(id)
);

create table cart_items (
  cart_id integer not null,
  sku text not null,
  name text not null,
  quantity integer not null,
  unit_price numeric(12,2) not null,
  constraint cart_items_cart_id_sku_pk PRIMARY KEY (cart_id, sku),
  constraint cart_items_quantity_check CHECK (((quantity >= 1) AND (quantity <= 999))),
  constraint cart_items_cart_id_carts_id_fk FOREIGN KEY (cart_id) REFERENCES carts(id),
  constraint cart_items_sku_products_sku_fk FOREIGN KEY (sku) REFERENCES products(sku)
);

create table carts (
  id integer not null generated always as identity (start with 101),
  status text not null default 'open'::text,
  version integer not null default 1,
  subtotal numeric(12,2),
  discount numeric(12,2),
  total numeric(12,2),
  opened_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint carts_pkey PRIMARY KEY (id),
  constraint carts_status_check CHECK ((status = ANY (ARRAY['open'::text, 'checked-out'::text, 'abandoned'::text])))
);

create table idempotency_keys (
  key text not null,
  fingerprint text not null,
  status integer not null,
  body json not null,
  xid text not null,
  created_at timestamp with time zone not null default now(),
  constraint idempotency_keys_pkey PRIMARY KEY (key)
);
CREATE INDEX idempotency_keys_created_at_index ON public.idempotency_keys USING btree (created_at);

create table outbox (
  id uuid not null,
  aggregatetype text not null,
  aggregateid text not null,
  type text not null,
  payload jsonb not null,
  aggregateversion bigint not null,
  typeversion integer not null default 1,
  headers jsonb not null default '{}'::jsonb,
  occurred_at timestamp with time zone not null default now(),
  xid xid8 not null default pg_current_xact_id()
) partition by RANGE (occurred_at);
alter table outbox replica identity full;
CREATE INDEX outbox_aggregate_index ON ONLY public.outbox USING btree (aggregatetype, aggregateid, aggregateversion);

create table outbox_default (
  id uuid not null,
  aggregatetype text not null,
  aggregateid text not null,
  type text not null,
  payload jsonb not null,
  aggregateversion bigint not null,
  typeversion integer not null default 1,
  headers jsonb not null default '{}'::jsonb,
  occurred_at timestamp with time zone not null default now(),
  xid xid8 not null default pg_current_xact_id()
);
-- partition of outbox DEFAULT
alter table outbox_default replica identity full;
CREATE INDEX outbox_default_aggregate_index ON public.outbox_default USING btree (aggregatetype, aggregateid, aggregateversion);

create table outbox_heads (
  aggregatetype text not null,
  aggregateid text not null,
  version bigint not null,
  constraint outbox_heads_aggregatetype_aggregateid_pk PRIMARY KEY (aggregatetype, aggregateid)
);

create table outbox_snapshots (
  aggregatetype text not null,
  aggregateid text not null,
  stateversion integer not null,
  version bigint not null,
  state jsonb not null,
  taken_at timestamp with time zone not null default now(),
  constraint outbox_snapshots_pk PRIMARY KEY (aggregatetype, aggregateid, stateversion, version)
);

create table products (
  sku text not null,
  name text not null,
  unit_price numeric(12,2) not null,
  constraint products_pkey PRIMARY KEY (sku),
  constraint products_unit_price_check CHECK (((unit_price >= 0.01) AND (unit_price <= 99999.99)))
);

create sequence es_cart_ids start with 101 maxvalue 2147483647;
