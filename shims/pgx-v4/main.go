// Command shim drives pgx, version 4, over the shim contract.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgtype"
	"github.com/jackc/pgx/v4"
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
	shim.Serve(shim.Driver{Name: "pgx", Module: "github.com/jackc/pgx/v4", Supports: supports, Connect: connect, SQLState: sqlState})
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
	_, encrypted := conn.PgConn().Conn().(*tls.Conn)
	connected.TLS = &encrypted
	conn.ConnInfo().RegisterDataType(pgtype.DataType{Value: &pgtype.Hstore{}, Name: "hstore", OID: shim.HstoreOID})
	if connected.Rows, err = query(ctx, conn, r); err == nil && r.Then == "cancel" {
		// The query has succeeded: a cancel that fails does not undo that.
		if err := conn.PgConn().CancelRequest(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "cancel:", err)
		}
	}
	return connected, err
}

// query runs the query, prepared as the driver does it, and reads every value by its column's type; and
// where types were asked for, into the driver's variables of these.
func query(ctx context.Context, conn *pgx.Conn, r shim.Request) (texts [][]string, err error) {
	rows, err := conn.Query(ctx, r.Query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, err
		}
		var line []string
		for _, value := range values {
			line = append(line, fmt.Sprint(value))
		}
		texts = append(texts, line)
		if len(r.Fetch) > 0 {
			if err := rows.Scan(variables(r.Fetch)...); err != nil {
				return nil, err
			}
		}
	}
	return texts, rows.Err()
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
			pointer = new(pgtype.Bytea)
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
		case "json":
			pointer = new(pgtype.JSON)
		case "jsonb":
			pointer = new(pgtype.JSONB)
		case "int4[]":
			pointer = new(pgtype.Int4Array)
		case "text[]":
			pointer = new(pgtype.TextArray)
		default: // hstore
			pointer = new(pgtype.Hstore)
		}
		pointers = append(pointers, pointer)
	}
	return pointers
}

func sqlState(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}
