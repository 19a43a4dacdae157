/** A command line of Kafka's own tools, run as an operator would: `kafka-topics.sh …`, from the broker's jars. */
import { OperatingError } from '@diptych/runtime/failure';
import { runCommand } from '@diptych/testkit/command';
import { findJava } from '@diptych/testkit/java';
import { kafkaHome } from '@diptych/testkit/kafka-installation';
import { installedJars } from '@diptych/testkit/maven';

/** What the scripts of that name start: https://github.com/apache/kafka/tree/4.3.1/bin */
const mainClasses: Readonly<Record<string, string>> = {
  'kafka-topics.sh': 'org.apache.kafka.tools.TopicCommand',
  'kafka-configs.sh': 'kafka.admin.ConfigCommand',
  'kafka-acls.sh': 'org.apache.kafka.tools.AclCommand',
};

const timeoutMs = 180_000;

/** Throws OperatingError with the tool's words when it fails, or when Java or the jars are missing. */
export async function runKafkaTool(commandLine: string, signal: AbortSignal): Promise<void> {
  const [script = '', ...toolArguments] = commandLine.split(' ');
  const mainClass = mainClasses[script];
  const java = await findJava();
  const jars = await installedJars(kafkaHome());
  if (java.tag === 'missing' || !jars || !mainClass)
    throw new OperatingError('prerequisite-missing', `${script} cannot be run`, {
      remedy: 'Run with DIPTYCH_STACK=embedded once: it fetches the jars; Java 17 or newer is needed.',
    });
  const memory = ['-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', jars.join(':')];
  const args = [...memory, mainClass, ...toolArguments];
  const { code, output } = await runCommand({ command: java.command, args, timeoutMs, signal });
  if (code === 0) return;
  throw new OperatingError('kafka-refused', `${commandLine} failed\n${output.trim()}`, {
    remedy: 'Its output says why.',
  });
}
