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
	ctx := context.Background()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return connected, err
	}
	defer conn.Close(ctx)
	_, encrypted := conn.PgConn().Conn().(*tls.Conn)
	connected.TLS = &encrypted
	if connected.Rows, err = query(ctx, conn, r.Query); err == nil && r.Then == "cancel" {
		// The query has succeeded: a cancel that fails does not undo that.
		if err := conn.PgConn().CancelRequest(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "cancel:", err)
		}
	}
	return connected, err
}

// query runs the query, prepared as the driver does it, and reads every value by its column's type.
func query(ctx context.Context, conn *pgx.Conn, sql string) (texts [][]string, err error) {
	rows, err := conn.Query(ctx, sql)
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
	}
	return texts, rows.Err()
}

func sqlState(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}
