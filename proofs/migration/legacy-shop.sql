-- A shop as one finds it: a status column, triggers that write, and several programs on one database. Written for this proof.
create table customers (id int primary key, name text not null, discount_percent int not null default 0);
create table products (id int primary key, name text not null, unit_price numeric(10, 2) not null, stock int not null);
create table orders (
  id int generated always as identity primary key,
  customer_id int not null references customers,
  status text not null default 'placed' check (status in ('placed', 'paid', 'shipped', 'cancelled')),
  total numeric(10, 2) not null default 0,
  picked boolean not null default false,
  placed_at timestamptz not null default now()
);
create table order_lines (
  order_id int references orders, product_id int references products, quantity int not null check (quantity > 0),
  primary key (order_id, product_id)
);
create table order_history (
  id bigint generated always as identity primary key,
  order_id int not null, old_status text, new_status text not null, changed_by text not null, at timestamptz not null default now()
);

-- The total is the database's work, the customer's discount included: the web shop has never known it.
create function price_order() returns trigger language plpgsql as $$
begin
  update orders o set total = (
    select round(sum(l.quantity * p.unit_price) * (100 - max(c.discount_percent)) / 100, 2)
    from order_lines l join products p on p.id = l.product_id join customers c on c.id = o.customer_id
    where l.order_id = o.id)
  where o.id = new.order_id;
  update products set stock = stock - new.quantity where id = new.product_id;
  return null;
end $$;
create trigger price_order after insert on order_lines for each row execute function price_order();

create function keep_history() returns trigger language plpgsql as $$
begin
  insert into order_history (order_id, old_status, new_status, changed_by)
  values (new.id, case tg_op when 'UPDATE' then old.status end, new.status, current_setting('application_name'));
  return null;
end $$;
create trigger keep_history after insert or update of status on orders for each row execute function keep_history();

-- The nightly job: the oldest order that was never paid is cancelled.
create procedure cancel_stale() language plpgsql as $$
begin
  update orders set status = 'cancelled' where id = (select min(id) from orders where status = 'placed');
end $$;

insert into customers select n, 'customer ' || n, case when n % 4 = 0 then 10 else 0 end from generate_series(1, 20) n;
insert into products select n, 'product ' || n, 1.25 * n, 1000000 from generate_series(1, 10) n;
