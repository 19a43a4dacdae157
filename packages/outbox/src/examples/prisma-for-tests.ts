import type { OutboxPort } from '@diptych/outbox/port';

/** Of Prisma's interactive transaction, what is needed here. */
interface PrismaTransaction {
  $queryRawUnsafe<T>(query: string, ...values: unknown[]): PromiseLike<T>;
}

export const prismaPort = (tx: PrismaTransaction): OutboxPort => ({
  rows: async (text, values) => await tx.$queryRawUnsafe<unknown[]>(text, ...values),
});
