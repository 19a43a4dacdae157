/** Light or dark: as the system has it, until the reader decides. */
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const themes: readonly Theme[] = ['system', 'light', 'dark'];
const kept = window.localStorage.getItem('theme');

export const theme = signal<Theme>(themes.find((one) => one === kept) ?? 'system');

effect(() => {
  if (theme.value === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', theme.value);
  window.localStorage.setItem('theme', theme.value);
});

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'system';
}
