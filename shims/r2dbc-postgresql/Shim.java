// r2dbc-postgresql over the shim contract.

import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.PostgresqlConnectionFactoryProvider;
import io.r2dbc.postgresql.api.PostgresqlConnection;
import io.r2dbc.postgresql.codec.Json;
import io.r2dbc.spi.ConnectionFactoryOptions;
import io.r2dbc.spi.Option;
import io.r2dbc.spi.R2dbcException;
import io.r2dbc.spi.Row;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import javax.net.ssl.SSLContext;
import org.json.JSONObject;
import reactor.core.publisher.Mono;

public final class Shim implements Contract.Driver {
  /** Enough to keep its threads, one a processor, at work while others wait. */
  private static final int CONCURRENCY = 16;

  /** What an application asks a row for, by the column's type; any other as the driver likes. */
  private static final Map<String, Class<?>> CLASSES = Map.ofEntries(
      Map.entry("int2", Short.class), Map.entry("int4", Integer.class), Map.entry("int8", Long.class),
      Map.entry("float4", Float.class), Map.entry("float8", Double.class), Map.entry("numeric", BigDecimal.class),
      Map.entry("bool", Boolean.class), Map.entry("bytea", ByteBuffer.class), Map.entry("text", String.class),
      Map.entry("timestamp", LocalDateTime.class), Map.entry("timestamptz", OffsetDateTime.class),
      Map.entry("date", LocalDate.class), Map.entry("uuid", UUID.class), Map.entry("json", Json.class),
      Map.entry("jsonb", Json.class), Map.entry("int4[]", Integer[].class), Map.entry("text[]", String[].class));

  private final JSONObject hello;

  private Shim() throws Exception {
    // What a release does not know it ignores, so it is asked: a later one has a class for each.
    hello = new JSONObject()
        .put("name", "r2dbc-postgresql")
        .put("version", PostgresqlConnectionFactory.class.getPackage().getImplementationVersion())
        .put("tls", SSLContext.getDefault().getProvider().getName() + " (Java " + System.getProperty("java.version") + ")")
        .put("supports", new JSONObject()
            .put("sslmode", Contract.MODES)
            .put("sslnegotiation", knows("SSLNegotiation") ? List.of("postgres", "direct") : List.of("postgres"))
            // Without a file it trusts the store of the JVM, not the system's.
            .put("sslrootcert", List.of("file"))
            .put("channel_binding", knows("ChannelBindingMode") ? List.of("prefer", "disable", "require") : List.of("prefer"))
            .put("hostaddr", true)
            .put("sslcert", true)
            .put("sslcrl", false)
            .put("cancel", true)
            .put("concurrency", CONCURRENCY));
  }

  private static boolean knows(String setting) {
    try {
      Class.forName("io.r2dbc.postgresql.client." + setting);
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  public static void main(String[] args) throws Exception {
    Hosts.use();
    // The JVM asks the user database, not the environment, where the driver should look for its files.
    System.setProperty("user.home", System.getenv("HOME"));
    Contract.serve(new Shim());
  }

  @Override
  public JSONObject hello() {
    return hello;
  }

  @Override
  public CompletionStage<List<List<Object>>> connect(JSONObject request, List<String> notices) throws IOException {
    Hosts.learn(request);
    PostgresqlConnectionFactory factory = new PostgresqlConnectionFactoryProvider().create(options(request));
    return Mono.usingWhen(factory.create(), connection -> session(connection, request), PostgresqlConnection::close).toFuture();
  }

  @Override
  public String sqlState(Throwable error) {
    return error instanceof R2dbcException ? ((R2dbcException) error).getSqlState() : null;
  }

  private static ConnectionFactoryOptions options(JSONObject request) {
    ConnectionFactoryOptions.Builder options = ConnectionFactoryOptions.builder()
        .option(ConnectionFactoryOptions.DRIVER, "postgresql")
        .option(ConnectionFactoryOptions.HOST, request.getString("host"))
        .option(ConnectionFactoryOptions.PORT, request.getInt("port"))
        .option(ConnectionFactoryOptions.USER, request.getString("user"))
        .option(ConnectionFactoryOptions.PASSWORD, request.getString("password"))
        .option(ConnectionFactoryOptions.DATABASE, request.getString("dbname"))
        // The only timeout that the driver has for the way to a connection.
        .option(ConnectionFactoryOptions.CONNECT_TIMEOUT, Duration.ofMillis(request.getInt("timeout_ms")));
    String[][] names = {
      {"sslmode", "sslMode"}, {"sslnegotiation", "sslNegotiation"}, {"sslrootcert", "sslRootCert"},
      {"sslcert", "sslCert"}, {"sslkey", "sslKey"}, {"channel_binding", "channelBinding"},
    };
    for (String[] name : names) {
      if (request.has(name[0])) {
        options.option(Option.<Object>valueOf(name[1]), request.getString(name[0]));
      }
    }
    return options.build();
  }

  private static Mono<List<List<Object>>> session(PostgresqlConnection connection, JSONObject request) {
    List<Object> fetch = request.has("fetch") ? request.getJSONArray("fetch").toList() : List.of();
    Mono<List<List<Object>>> rows = connection.createStatement(request.getString("query")).execute()
        .concatMap(result -> result.map((row, metadata) -> values(row, metadata.getColumnMetadatas().size(), fetch)))
        .collectList();
    if (!request.optString("then").equals("cancel")) {
      return rows;
    }
    // The query has succeeded: a cancel that fails does not undo that.
    return rows.delayUntil(ignored -> connection.cancelRequest().onErrorResume(error -> {
      System.err.println("cancel: " + error);
      return Mono.empty();
    }));
  }

  private static List<Object> values(Row row, int columns, List<Object> fetch) {
    List<Object> values = new ArrayList<>();
    for (int column = 0; column < Math.max(columns, fetch.size()); column++) {
      Class<?> type = column < fetch.size() ? CLASSES.getOrDefault(fetch.get(column), Object.class) : Object.class;
      values.add(row.get(column, type));
    }
    return values;
  }
}
