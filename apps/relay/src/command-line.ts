/** The `diptych` command: reads arguments, calls one function each, turns failures into exit codes. */
import { OperatingError } from '@diptych/runtime/failure';
import { type Command, CommanderError } from 'commander';
import { type ExitCode, exitCodes, explain } from './exit-code.ts';
import { configurationOf, newProgram } from './program.ts';
import { addRunCommand } from './run-command.ts';

/** Runs one command and answers its exit code; never throws for what a user or the world did. */
export async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = await programFor(args, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.badUse;
    if (!(error instanceof OperatingError)) throw error;
    const { text, exitCode: code } = explain(error);
    process.stderr.write(text);
    return code;
  }
}

/**
 * A relay keeps in memory what it once loaded: for `run` no other command is. Whatever else is asked has
 * all of them, so that help and mistakes show what there is.
 */
async function programFor(args: readonly string[], answer: (code: ExitCode) => void): Promise<Command> {
  const named = args[0] === '-c' || args[0] === '--config' ? args[2] : args[0];
  if (named !== 'run' || args.includes('--help') || args.includes('-h')) {
    const { commands } = await import('./all-commands.ts');
    return commands(answer);
  }
  const program = newProgram();
  addRunCommand(program, () => configurationOf(program));
  return program;
}
