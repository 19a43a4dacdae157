import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/**
 * Runs a script of Flink SQL in this JVM and prints the changelog of each SELECT in it: a line of JSON for each change,
 * `{"query": 0, "kind": "+I", "row": ["1", null]}`. An INSERT is waited for until it ends, as it does when its sources
 * are bounded. Statements are separated by a line that holds a semicolon alone.
 * Every value is a text as Java writes it; bytes are hexadecimal, arrays and rows are lists.
 */
public class FlinkSql {
  public static void main(String[] arguments) throws Exception {
    Configuration configuration = new Configuration();
    for (int index = 1; index < arguments.length; index++) {
      String[] setting = arguments[index].split("=", 2);
      configuration.setString(setting[0], setting[1]);
    }
    TableEnvironment flink =
        TableEnvironment.create(
            EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(configuration).build());
    int query = 0;
    for (String statement : Files.readString(Path.of(arguments[0])).split("\n;\n")) {
      if (statement.isBlank()) continue;
      TableResult result = flink.executeSql(statement);
      if (begins(statement, "insert")) result.await();
      if (!begins(statement, "select")) continue;
      try (CloseableIterator<Row> changes = result.collect()) {
        while (changes.hasNext()) print(query, changes.next());
      }
      System.out.println("{\"query\":" + query + ",\"kind\":\"end\",\"row\":[]}");
      query++;
    }
    System.out.flush();
    // Flink's threads would keep the JVM.
    System.exit(0);
  }

  private static boolean begins(String statement, String word) {
    return statement.stripLeading().regionMatches(true, 0, word, 0, word.length());
  }

  private static void print(int query, Row row) {
    StringBuilder line = new StringBuilder();
    line.append("{\"query\":").append(query).append(",\"kind\":\"").append(row.getKind().shortString());
    line.append("\",\"row\":");
    append(line, row);
    System.out.println(line.append('}'));
  }

  private static void append(StringBuilder line, Object value) {
    if (value == null) {
      line.append("null");
    } else if (value instanceof byte[] bytes) {
      quote(line, HexFormat.of().formatHex(bytes));
    } else if (value instanceof Row row) {
      Object[] fields = new Object[row.getArity()];
      for (int index = 0; index < fields.length; index++) fields[index] = row.getField(index);
      append(line, fields);
    } else if (value instanceof Object[] values) {
      line.append('[');
      for (int index = 0; index < values.length; index++) {
        if (index > 0) line.append(',');
        append(line, values[index]);
      }
      line.append(']');
    } else {
      quote(line, String.valueOf(value));
    }
  }

  private static void quote(StringBuilder line, String text) {
    line.append('"');
    for (int index = 0; index < text.length(); index++) {
      char one = text.charAt(index);
      if (one == '"' || one == '\\') line.append('\\').append(one);
      else if (one < ' ') line.append(String.format("\\u%04x", (int) one));
      else line.append(one);
    }
    line.append('"');
  }
}
