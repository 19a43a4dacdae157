/** Modelled time: what is due next runs next; what is due at the same time runs in the order it was put down. */
interface Task {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Agenda {
  /** A binary heap: the task that is due first stands at 0. */
  readonly #heap: Task[] = [];
  #order = 0;
  nowMs = 0;

  after(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run);
  }

  at(atMs: number, run: () => void): void {
    const heap = this.#heap;
    const task = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, run };
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (!parent || isBefore(parent, task)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = task;
  }

  /** Runs the next task; false when there is none. */
  advance(): boolean {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (!first || !last) return false;
    if (this.#heap.length > 0) this.#sink(last);
    this.nowMs = first.atMs;
    first.run();
    return true;
  }

  #sink(task: Task): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      const left = heap[2 * place + 1];
      if (!left) break;
      const right = heap[2 * place + 2];
      const child = right && isBefore(right, left) ? right : left;
      if (isBefore(task, child)) break;
      heap[place] = child;
      place = child === left ? 2 * place + 1 : 2 * place + 2;
    }
    heap[place] = task;
  }
}

const isBefore = (a: Task, b: Task): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
