// Command shim drives pgx, version 5, over the shim contract.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"pgtls/shims/go"
)

func main() {
	supports := shim.Supports{
		SSLMode:        []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
		SSLNegotiation: []string{"postgres"},
		SSLRootCert:    []string{"file"},
		ChannelBinding: []string{"prefer"},
		Hostaddr:       true,
		SSLCert:        true,
		Cancel:         true,
	}
	// Later releases take more; a setting that a release does not know goes to the server as it is.
	config := reflect.TypeOf(pgconn.Config{})
	if _, ok := config.FieldByName("SSLNegotiation"); ok {
		supports.SSLNegotiation = append(supports.SSLNegotiation, "direct")
	}
	if _, ok := config.FieldByName("ChannelBinding"); ok {
		supports.ChannelBinding = append(supports.ChannelBinding, "disable", "require")
	}
	if _, err := pgx.ParseConfig("host=h sslrootcert=system"); err == nil {
		supports.SSLRootCert = append(supports.SSLRootCert, "system")
	}
	shim.Serve(shim.Driver{Name: "pgx", Module: "github.com/jackc/pgx/v5", Supports: supports, Connect: connect, SQLState: sqlState})
}

func connect(r shim.Request, notices *[]string) (connected shim.Connected, err error) {
	config, err := pgx.ParseConfig(r.Conninfo())
	if err != nil {
		return connected, err
	}
	config.ConnectTimeout = time.Duration(r.TimeoutMS) * time.Millisecond
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) { *notices = append(*notices, notice.Message) }
	if r.Hostaddr != "" {
		config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{r.Hostaddr}, nil }
	}
	var sockets shim.Sockets
	config.DialFunc = sockets.Watch(config.DialFunc)
	defer sockets.Settle()
	ctx := context.Background()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return connected, err
	}
	defer conn.Close(ctx)
	connected.TLS = encrypted(conn.PgConn().Conn())
	conn.TypeMap().RegisterType(&pgtype.Type{Name: "hstore", OID: shim.HstoreOID, Codec: pgtype.HstoreCodec{}})
	rows, err := conn.Query(ctx, r.Query)
	if err != nil {
		return connected, err
	}
	connected.Rows, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (texts []string, err error) {
		values, err := row.Values()
		for _, value := range values {
			texts = append(texts, fmt.Sprint(value))
		}
		if err != nil || len(r.Fetch) == 0 {
			return texts, err
		}
		return texts, row.Scan(variables(r.Fetch)...)
	})
	if err == nil && r.Then == "cancel" {
		// The query has succeeded: a cancel that fails does not undo that.
		if err := conn.PgConn().CancelRequest(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "cancel:", err)
		}
	}
	return connected, err
}

// variables is where an application reads columns of these types into, which may be NULL.
func variables(fetch []string) (pointers []any) {
	for _, column := range fetch {
		var pointer any
		switch column {
		case "int2":
			pointer = new(pgtype.Int2)
		case "int4":
			pointer = new(pgtype.Int4)
		case "int8":
			pointer = new(pgtype.Int8)
		case "float4":
			pointer = new(pgtype.Float4)
		case "float8":
			pointer = new(pgtype.Float8)
		case "numeric":
			pointer = new(pgtype.Numeric)
		case "bool":
			pointer = new(pgtype.Bool)
		case "bytea":
			pointer = new([]byte)
		case "text":
			pointer = new(pgtype.Text)
		case "timestamp":
			pointer = new(pgtype.Timestamp)
		case "timestamptz":
			pointer = new(pgtype.Timestamptz)
		case "date":
			pointer = new(pgtype.Date)
		case "uuid":
			pointer = new(pgtype.UUID)
		case "int4[]":
			pointer = new([]pgtype.Int4)
		case "text[]":
			pointer = new([]pgtype.Text)
		case "hstore":
			pointer = new(pgtype.Hstore)
		default: // json, jsonb
			pointer = new(any)
		}
		pointers = append(pointers, pointer)
	}
	return pointers
}

// encrypted is nil where an early release hides the connection in one of its own.
func encrypted(conn net.Conn) *bool {
	var yes bool
	switch conn.(type) {
	case *tls.Conn:
		yes = true
	case *net.TCPConn:
	default:
		return nil
	}
	return &yes
}

func sqlState(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}
