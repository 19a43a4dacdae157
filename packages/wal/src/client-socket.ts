import type { Socket } from 'node:net';
import type pg from 'pg';

/** The socket of a client, which its type does not show (pg 8.23.1, lib/client.js). */
export const socketOf = (client: pg.Client): Socket =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream;
