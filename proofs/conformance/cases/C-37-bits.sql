-- C-37: bit strings
create schema s1;
create table s1.t (pk serial primary key, b1 bit(1), b2 bit(2), b7 bit(7), b24 bit(24), b64 bit(64), bv2 bit varying(2), bv bit varying);
insert into s1.t (b1, b2, b7, b24, b64, bv2, bv)
  values (B'1', B'11', '1'::bit(7), B'000000110000001000000001', B'1000000000000000000000000000000000000000000000000000000000000000', B'10', B'1010101010101');
insert into s1.t (b1, b2, b7, bv2, bv) values (B'0', B'00', B'0000000', B'', B'');
insert into s1.t default values;
