import { openPanels, type PanelsOptions } from '@diptych/compare/open-panels';

/** Posts, and answers when what that wrote is in both panels. One `panels` serves a whole process. */
export async function postAndAwait(url: string, options: PanelsOptions) {
  const panels = openPanels(options);
  try {
    const response = await fetch(url, { method: 'POST' });
    const token = response.headers.get('diptych-commit') ?? '';
    return await panels.passed(token, { timeoutMs: 10_000 });
  } finally {
    await panels.close();
  }
}
