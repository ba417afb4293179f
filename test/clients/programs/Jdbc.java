import java.sql.*;
import java.util.*;

/** Prints one line an act, as say.py does. */
public class Jdbc {
  static Connection db;

  static String json(Object value) {
    if (value == null) return "null";
    if (value instanceof Boolean || value instanceof Number && !(value instanceof java.math.BigDecimal)) return value.toString();
    if (value instanceof List) {
      StringJoiner joiner = new StringJoiner(", ", "[", "]");
      for (Object each : (List<?>) value) joiner.add(json(each));
      return joiner.toString();
    }
    StringBuilder text = new StringBuilder("\"");
    for (char c : value.toString().toCharArray()) {
      if (c == '"' || c == '\\') text.append('\\').append(c);
      else if (c < 32 || c > 126) text.append(String.format("\\u%04x", (int) c));
      else text.append(c);
    }
    return text.append('"').toString();
  }

  static void say(String act, Object value) {
    System.out.println(act + "\t" + json(value));
  }

  static List<Object> read(ResultSet rows) throws SQLException {
    List<Object> all = new ArrayList<>();
    int width = rows.getMetaData().getColumnCount();
    while (rows.next()) {
      List<Object> row = new ArrayList<>();
      for (int at = 1; at <= width; at++) row.add(rows.getObject(at));
      all.add(row);
    }
    return all;
  }

  static List<Object> rows(String sql, Object... args) throws SQLException {
    try (PreparedStatement statement = db.prepareStatement(sql)) {
      for (int at = 0; at < args.length; at++) statement.setObject(at + 1, args[at]);
      return read(statement.executeQuery());
    }
  }

  public static void main(String[] args) throws Exception {
    Map<String, String> env = System.getenv();
    db = DriverManager.getConnection("jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE") + "?prepareThreshold=5", env.get("PGUSER"), env.getOrDefault("PGPASSWORD", ""));
    say("one", rows(env.get("S_ONE")));
    say("map", rows(env.get("S_MAP")));
    say("run", ((List<?>) rows(env.get("S_RUN")).get(0)).get(0).toString());
    say("means", rows(env.get("S_MEANS")));
    List<Object> answer = null;
    for (int time = 0; time < 8; time++) answer = rows("SELECT name FROM products WHERE id = ? AND name <> ?", 3, "it's");
    say("parameter", answer);
    try (PreparedStatement named = db.prepareStatement("SELECT id, price, description, DATE '2024-02-29', TIMESTAMP '2024-02-29 12:34:56.789', 9007199254740993::BIGINT, 0.5::DOUBLE, true FROM products WHERE id = ?")) {
      for (int time = 0; time < 9; time++) {
        named.setInt(1, 3);
        answer = read(named.executeQuery());
      }
      say("named binary", answer);
    }
    say("map parameter", rows("RVBBIT MAP 'band.yaml' AS band USING (SELECT id, price FROM products WHERE id = ?)", 4));
    try {
      rows(env.get("S_ERROR"));
    } catch (SQLException error) {
      say("error", error.getSQLState());
    }
    say("after", rows(env.get("S_ONE")));
    try (Statement slow = db.createStatement()) {
      new Thread(() -> {
        try {
          Thread.sleep(500);
          slow.cancel();
        } catch (Exception ignored) {
        }
      }).start();
      long began = System.nanoTime();
      try {
        slow.executeQuery(env.get("S_SLOW"));
      } catch (SQLException error) {
        say("cancel", List.of(error.getSQLState(), System.nanoTime() - began < 2e9));
      }
    }
    db.setAutoCommit(false);
    try (Statement paged = db.createStatement()) {
      paged.setFetchSize(2);
      say("fetch size", read(paged.executeQuery("SELECT id FROM products ORDER BY id")));
    }
    db.commit();
    db.setAutoCommit(true);
    DatabaseMetaData data = db.getMetaData();
    List<Object> names = new ArrayList<>();
    try (ResultSet tables = data.getTables(null, null, "%", new String[] {"TABLE"})) {
      while (tables.next()) names.add(List.of(tables.getString("TABLE_NAME")));
    }
    say("tables", names);
    List<Object> columns = new ArrayList<>();
    try (ResultSet found = data.getColumns(null, null, "products", "%")) {
      while (found.next()) columns.add(List.of(found.getString("COLUMN_NAME"), found.getString("TYPE_NAME"), found.getInt("NULLABLE")));
    }
    say("columns", columns);
    List<Object> keys = new ArrayList<>();
    try (ResultSet found = data.getPrimaryKeys(null, null, "products")) {
      while (found.next()) keys.add(found.getString("COLUMN_NAME"));
    }
    say("primary key", keys);
    try (ResultSet found = data.getIndexInfo(null, null, "products", false, false)) {
      read(found);
    }
    try (ResultSet found = data.getTypeInfo()) {
      say("types", read(found).size() > 20);
    }
    try (PreparedStatement insert = db.prepareStatement("INSERT INTO " + "jdbc_rows" + " VALUES (?, ?)")) {
      try (Statement create = db.createStatement()) {
        create.execute("CREATE TEMP TABLE jdbc_rows (a INTEGER, b VARCHAR)");
      }
      for (int at = 0; at < 3; at++) {
        insert.setInt(1, at);
        insert.setString(2, "row " + at);
        insert.addBatch();
      }
      say("batch insert", Arrays.stream(insert.executeBatch()).boxed().toList());
    }
    say("inserted", rows("SELECT count(*) FROM jdbc_rows"));
    db.close();
  }
}
