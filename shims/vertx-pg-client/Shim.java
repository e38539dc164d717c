// vertx-pg-client over the shim contract.

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.net.ClientSSLOptions;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import io.vertx.pgclient.PgException;
import io.vertx.pgclient.SslMode;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import javax.net.ssl.SSLContext;
import org.json.JSONObject;

public final class Shim implements Contract.Driver {
  /** Enough to keep its threads at work while others wait. */
  private static final int CONCURRENCY = 16;

  /** What an application asks a row for, by the column's type; any other as the driver likes. */
  private static final Map<String, BiFunction<Row, Integer, Object>> GETTERS = Map.ofEntries(
      Map.entry("int2", Row::getShort), Map.entry("int4", Row::getInteger), Map.entry("int8", Row::getLong),
      Map.entry("float4", Row::getFloat), Map.entry("float8", Row::getDouble), Map.entry("numeric", Row::getBigDecimal),
      Map.entry("bool", Row::getBoolean), Map.entry("bytea", Row::getBuffer), Map.entry("text", Row::getString),
      Map.entry("timestamp", Row::getLocalDateTime), Map.entry("timestamptz", Row::getOffsetDateTime),
      Map.entry("date", Row::getLocalDate), Map.entry("uuid", Row::getUUID), Map.entry("json", Row::getJson),
      Map.entry("jsonb", Row::getJson), Map.entry("int4[]", Row::getArrayOfIntegers),
      Map.entry("text[]", Row::getArrayOfStrings));

  private final JSONObject hello;
  private final Vertx vertx;

  private Shim() throws Exception {
    String version = PgConnection.class.getPackage().getImplementationVersion();
    hello = new JSONObject()
        .put("name", "vertx-pg-client")
        .put("version", version)
        .put("tls", SSLContext.getDefault().getProvider().getName() + " (Java " + System.getProperty("java.version") + ")")
        .put("supports", new JSONObject()
            .put("sslmode", Contract.MODES)
            .put("sslnegotiation", List.of("postgres"))
            // Without a file it trusts the store of the JVM, not the system's.
            .put("sslrootcert", List.of("file"))
            .put("channel_binding", List.of("prefer"))
            .put("hostaddr", true)
            .put("sslcert", true)
            .put("sslcrl", true)
            .put("cancel", true)
            .put("concurrency", CONCURRENCY));
    vertx = Vertx.vertx(new VertxOptions()
        // No copies of files: nothing here comes from the class path.
        .setFileSystemOptions(new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)));
  }

  public static void main(String[] args) throws Exception {
    Hosts.use();
    // Names go to the JVM, by the property that the documentation of Vert.x has for it.
    System.setProperty("vertx.disableDnsResolver", "true");
    Contract.serve(new Shim());
  }

  @Override
  public JSONObject hello() {
    return hello;
  }

  @Override
  public CompletionStage<List<List<Object>>> connect(JSONObject request, List<String> notices) throws IOException {
    Hosts.learn(request);
    int timeout = request.getInt("timeout_ms");
    Pool pool = PgBuilder.pool()
        .with(new PoolOptions().setMaxSize(1).setConnectionTimeout(timeout).setConnectionTimeoutUnit(TimeUnit.MILLISECONDS))
        .with(new NetClientOptions().setConnectTimeout(timeout))
        .connectingTo(options(request))
        .using(vertx)
        .build();
    return pool.getConnection()
        .map(PgConnection::cast)
        .compose(connection -> session(connection.noticeHandler(notice -> notices.add(notice.getMessage())), request)
            .eventually(connection::close))
        // Not waited for: a pool that still connects, behind its own timeout, does not close before it has. Nor in
        // the midst of its own work, which is where it tells of that timeout.
        .onComplete(answered -> vertx.runOnContext(next -> pool.close()))
        .toCompletionStage();
  }

  @Override
  public String sqlState(Throwable error) {
    return error instanceof PgException ? ((PgException) error).getSqlState() : null;
  }

  private static PgConnectOptions options(JSONObject request) {
    PgConnectOptions options = new PgConnectOptions()
        .setHost(request.getString("host"))
        .setPort(request.getInt("port"))
        .setUser(request.getString("user"))
        .setPassword(request.getString("password"))
        .setDatabase(request.getString("dbname"));
    if (request.has("sslmode")) {
      options.setSslMode(SslMode.of(request.getString("sslmode")));
    }
    ClientSSLOptions ssl = new ClientSSLOptions();
    if (options.getSslMode() == SslMode.VERIFY_FULL) {
      // The driver demands that an application says by which rules.
      ssl.setHostnameVerificationAlgorithm("HTTPS");
    }
    if (request.has("sslrootcert")) {
      ssl.setTrustOptions(new PemTrustOptions().addCertPath(request.getString("sslrootcert")));
    }
    if (request.has("sslcrl")) {
      ssl.addCrlPath(request.getString("sslcrl"));
    }
    if (request.has("sslcert")) {
      ssl.setKeyCertOptions(new PemKeyCertOptions().setCertPath(request.getString("sslcert")).setKeyPath(request.getString("sslkey")));
    }
    return options.setSslOptions(ssl);
  }

  private static Future<List<List<Object>>> session(PgConnection connection, JSONObject request) {
    List<Object> fetch = request.has("fetch") ? request.getJSONArray("fetch").toList() : List.of();
    String query = request.getString("query");
    Future<RowSet<Row>> answered = fetch.isEmpty() ? connection.query(query).execute() : connection.preparedQuery(query).execute();
    Future<List<List<Object>>> rows = answered.map(set -> {
      List<List<Object>> lines = new ArrayList<>();
      set.forEach(row -> lines.add(values(row, fetch)));
      return lines;
    });
    if (!request.optString("then").equals("cancel")) {
      return rows;
    }
    // The query has succeeded: a cancel that fails does not undo that.
    return rows.compose(lines -> connection.cancelRequest().map(lines).otherwise(error -> {
      System.err.println("cancel: " + error);
      return lines;
    }));
  }

  private static List<Object> values(Row row, List<Object> fetch) {
    List<Object> values = new ArrayList<>();
    for (int column = 0; column < Math.max(row.size(), fetch.size()); column++) {
      String type = column < fetch.size() ? fetch.get(column).toString() : "";
      values.add(GETTERS.getOrDefault(type, Row::getValue).apply(row, column));
    }
    return values;
  }
}
