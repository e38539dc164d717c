// Command shim drives pgdriver, the driver of uptrace/bun, through database/sql, over the shim contract.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"

	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/driver/pgdriver"
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
	}
	shim.Serve(shim.Driver{Name: "pgdriver", Module: "github.com/uptrace/bun/driver/pgdriver", Supports: supports, Connect: connect, SQLState: sqlState})
}

func connect(r shim.Request, _ *[]string) (connected shim.Connected, err error) {
	opened, err := pgdriver.NewDriver().OpenConnector(dsn(r))
	if err != nil {
		return connected, err
	}
	connector := opened.(*pgdriver.Connector)
	d := &dialer{dial: connector.Config().Dialer, hostaddr: r.Hostaddr}
	connector.Config().Dialer = d.DialContext
	// The driver forgets a connection whose login it gave up.
	defer d.closeAll()
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		return connected, err
	}
	defer conn.Close()
	err = conn.Raw(func(raw any) (err error) {
		connected.Rows, err = query(raw.(driver.QueryerContext), r)
		return err
	})
	return connected, err
}

// dsn writes the settings that a request names, and no others. A setting that the driver does not know
// it would SET at the server. Its `timeout` is for dialling and for each wait behind that.
func dsn(r shim.Request) string {
	query := url.Values{"timeout": {fmt.Sprintf("%dms", r.TimeoutMS)}}
	for key, value := range map[string]string{
		"sslmode": r.SSLMode, "sslrootcert": r.SSLRootCert, "sslcert": r.SSLCert, "sslkey": r.SSLKey,
	} {
		if value != "" {
			query.Set(key, value)
		}
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(r.User, r.Password), Path: "/" + r.DBName,
		Host: net.JoinHostPort(r.Host, fmt.Sprint(r.Port)), RawQuery: query.Encode(),
	}
	return u.String()
}

// query runs the query and reads every value as the driver gives it to database/sql.
func query(conn driver.QueryerContext, r shim.Request) (texts [][]string, err error) {
	rows, err := conn.QueryContext(context.Background(), r.Query, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); err == io.EOF {
			return texts, nil
		} else if err != nil {
			return nil, err
		}
		var line []string
		for column, value := range row {
			if column < len(r.Fetch) {
				if err := scan(value, r.Fetch[column]); err != nil {
					return nil, err
				}
			}
			line = append(line, fmt.Sprint(value))
		}
		texts = append(texts, line)
	}
}

// scan reads a value of a type that database/sql does not know as bun does for its models.
func scan(value driver.Value, column string) error {
	switch column {
	case "int4[]":
		return pgdialect.Array(new([]int32)).Scan(value)
	case "text[]":
		return pgdialect.Array(new([]string)).Scan(value)
	}
	return nil
}

// dialer is the driver's own but for the address, where the request names one, and for knowing its connections.
type dialer struct {
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	hostaddr string

	mu   sync.Mutex
	open []net.Conn
}

func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if _, port, err := net.SplitHostPort(address); err == nil && d.hostaddr != "" {
		address = net.JoinHostPort(d.hostaddr, port)
	}
	conn, err := d.dial(ctx, network, address)
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.open = append(d.open, conn)
	}
	return conn, err
}

func (d *dialer) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, conn := range d.open {
		conn.Close()
	}
}

func sqlState(err error) string {
	var server pgdriver.Error
	if errors.As(err, &server) {
		return server.Field('C')
	}
	return ""
}
