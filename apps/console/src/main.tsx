import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/jetbrains-mono/index.css';
import './style/ground.css';
import { render } from 'preact';
import { Shell } from './shell.tsx';

const ground = document.getElementById('console');
if (ground !== null) render(<Shell />, ground);
