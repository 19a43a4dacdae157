import type { ComponentChildren } from 'preact';
import type { Asked } from './ask.ts';

interface Props<Answer> {
  readonly asked: Asked<Answer>;
  readonly children: (answer: Answer) => ComponentChildren;
}

/** What was answered; else why not, or that it is on its way. */
export function Answered<Answer>({ asked, children }: Props<Answer>) {
  switch (asked.tag) {
    case 'asking':
      return <p class="nothing">Reading …</p>;
    case 'refused':
      return (
        <p class="nothing" role="alert">
          {asked.refusal.status === 404 ? 'Nothing of it is kept.' : asked.refusal.message}
        </p>
      );
    case 'answered':
      return <>{children(asked.answer)}</>;
  }
}
