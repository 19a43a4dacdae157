import { operationWords, tableWords } from '../wording.ts';

/** `public.carts u (status: open → checked-out) + …`: each row change on a line of its own. */
export function ShapeWords({ shape }: { readonly shape: string }) {
  return (
    <>
      {shape.split(' + ').map((part) => {
        const [, table, op, rest] = /^(\S+) ([cudt])(?: \((.*)\))?$/s.exec(part) ?? [];
        if (table === undefined || !isOperation(op)) return <span key={part}>{part}</span>;
        return (
          <span class="shape" key={part}>
            <i class={`op is-${op}`}>{operationWords[op]}</i> <b>{tableWords(table)}</b> {rest}
          </span>
        );
      })}
    </>
  );
}

const isOperation = (op: string | undefined): op is keyof typeof operationWords =>
  op !== undefined && op in operationWords;
