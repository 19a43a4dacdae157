-- What drizzle's schema cannot say: the outbox is published with all operations and has no primary key (plain indexes only).
alter table outbox replica identity full;
--> statement-breakpoint
insert into products (sku, name, unit_price) values
  ('apple', 'Apple', 1.50),
  ('apricot', 'Apricot', 0.80),
  ('banana', 'Banana', 1.00),
  ('cherry', 'Cherries, 250 g', 3.20),
  ('coconut', 'Coconut', 2.90),
  ('fig', 'Fig', 0.70),
  ('grape', 'Grapes, 500 g', 2.80),
  ('kiwi', 'Kiwi', 0.45),
  ('lemon', 'Lemon', 0.60),
  ('mango', 'Mango', 2.00),
  ('melon', 'Melon', 3.50),
  ('orange', 'Orange', 0.95),
  ('papaya', 'Papaya', 3.10),
  ('peach', 'Peach', 1.10),
  ('pear', 'Pear', 0.90);
