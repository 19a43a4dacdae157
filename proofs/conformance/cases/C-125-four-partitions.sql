-- C-125: four partitions: the records of each key are in one, in their order
-- relay: DIPTYCH_KAFKA_PARTITIONS=4
-- connector: topic.creation.default.partitions=4
-- ours alone: records of several partitions have no order among them; what each key has is judged by the database
create schema s1;
create table s1.a (pk int, b text, aa text, primary key (pk, b));
insert into s1.a select n, 'k' || n % 3, 'one' from generate_series(1, 40) n;
update s1.a set aa = 'two' where pk % 2 = 0;
update s1.a set pk = pk + 100 where pk % 5 = 0;
delete from s1.a where pk % 7 = 0;
