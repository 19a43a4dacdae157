/** What `--help` shows of each command besides its options: how it is typed. */
import type { Command } from 'commander';

/** By the command's words; options as they are declared. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  init: [
    'DIPTYCH_DATABASE_URL=postgres://… DIPTYCH_KAFKA_BROKERS=localhost:9092 diptych init',
    'diptych init --from-slot          # after a slot was lost, over the gap that it names',
  ],
  run: [
    'diptych run',
    'DIPTYCH_HTTP_PORT=8091 diptych run   # a second one on the same machine stands by',
    'diptych run --accept-gap          # once, after `publication-lost`',
  ],
  status: ['diptych status', 'diptych status --watch', 'diptych status --json | jq .lagBytes'],
  'slot drop': ['diptych slot drop', 'diptych slot drop --publications --yes'],
  'parked list': ['diptych parked list', 'diptych parked list --json | jq .'],
  'parked show': ['diptych parked show 1-0000000001C56978-757-1-0'],
  'parked release': ['diptych parked release 1-0000000001C56978-757-1-0 --wait 60'],
  'parked discard': ["diptych parked discard 1-0000000001C56978-757-1-0 --reason 'a test order'"],
  'parked phantoms': ['diptych parked phantoms --json'],
  skip: ['diptych skip --lsn 16/B374D848'],
  'outbox retain': [
    'diptych outbox retain --keep 30d',
    'diptych outbox retain --keep 30d --ahead 14d --json',
  ],
  asyncapi: ['diptych asyncapi > asyncapi.json'],
  snapshot: [
    'diptych snapshot --table public.orders',
    "diptych snapshot --table public.orders --where 'id > 1000'",
  ],
  'snapshot pause': ['diptych snapshot pause'],
  'snapshot resume': ['diptych snapshot resume'],
  'snapshot stop': ['diptych snapshot stop --table public.orders'],
  'snapshot status': ['diptych snapshot status', 'diptych snapshot status --json'],
  tail: ['diptych tail', 'diptych tail --from-beginning | head', 'diptych tail --json | jq .domainEvents'],
  audit: ['diptych audit --since 1h', 'diptych audit --fail-under 99 --json'],
  'audit install': ['diptych audit install --sql', 'diptych audit install'],
  'audit uninstall': ['diptych audit uninstall'],
  price: ['diptych price', 'diptych price --seconds 10 --yes --json'],
  verify: ['diptych verify', 'diptych verify --json'],
  intent: ['diptych intent --since 1d'],
  replay: [
    'diptych replay --to 757@0/16B37480 --into until-the-incident',
    'diptych replay --to 2026-11-22T07:30:00Z --group shop-reporting',
    'diptych replay --upcast cart-events.ts#cartContract --from outbox.event.cart --to cart.newest',
  ],
  doctor: [
    'diptych doctor --all',
    'diptych doctor --json | jq \'.findings[] | select(.tag == "wrong")\'',
    'DIPTYCH_DATABASE_URL=postgres://admin@localhost/shop diptych doctor --fix',
  ],
  'config check': ['diptych config check', 'diptych --config staging.json config check --json'],
  'config print': ['diptych config print', 'diptych config print --changed > diptych.config.json'],
  topics: ['diptych topics', "diptych topics --json | jq '.[] | select(.differences != [])'"],
};

/** The commands that do something, each with its words: those without commands of their own, or with an action. */
export function* leaves(command: Command, words: readonly string[] = []): Generator<[string, Command]> {
  for (const child of command.commands) {
    const own = [...words, child.name()];
    const examplesOfOwn = examples[own.join(' ')];
    if (child.commands.length === 0 || examplesOfOwn) yield [own.join(' '), child];
    yield* leaves(child, own);
  }
}

/** Puts the examples behind the help of each command. */
export function addExamples(program: Command): void {
  for (const [words, command] of leaves(program)) {
    const lines = examples[words];
    if (lines) command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
  }
}
