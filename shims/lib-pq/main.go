// Command shim drives lib/pq, through database/sql, over the shim contract.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/hstore"
	"pgtls/shims/go"
)

func main() {
	supports := shim.Supports{
		SSLMode:        []string{"disable", "require", "verify-ca", "verify-full"},
		SSLNegotiation: []string{"postgres"},
		SSLRootCert:    []string{"file"},
		ChannelBinding: []string{"prefer"},
		Hostaddr:       true,
		SSLCert:        true,
		Cancel:         true,
	}
	// Later releases take more, and refuse a value they do not know before connecting.
	// Earlier ones send such a setting to the server as it is.
	if refuses("sslmode=nonsense") && !refuses("sslmode=allow") && !refuses("sslmode=prefer") {
		supports.SSLMode = append(supports.SSLMode, "allow", "prefer")
	}
	if refuses("sslnegotiation=nonsense") {
		supports.SSLNegotiation = append(supports.SSLNegotiation, "direct")
	}
	if refuses("sslrootcert=system sslmode=require") {
		supports.SSLRootCert = append(supports.SSLRootCert, "system")
	}
	shim.Serve(shim.Driver{Name: "lib-pq", Module: "github.com/lib/pq", Supports: supports, Connect: connect, SQLState: sqlState})
}

func refuses(dsn string) bool {
	_, err := pq.NewConnector(dsn)
	return err != nil
}

func connect(r shim.Request, notices *[]string) (connected shim.Connected, err error) {
	c := connector{
		// Whole seconds, rounded up, are what the driver takes.
		dsn:     fmt.Sprintf("%s connect_timeout=%d", r.Conninfo(), (r.TimeoutMS+999)/1000),
		dialer:  &dialer{hostaddr: r.Hostaddr},
		notices: notices,
	}
	// Under some modes the driver forgets a connection that it gave up.
	defer c.dialer.closeAll()
	db := sql.OpenDB(c)
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		return connected, err
	}
	defer conn.Close()
	err = conn.Raw(func(raw any) (err error) {
		connected.Rows, err = query(raw.(driver.QueryerContext), r, c.dialer)
		return err
	})
	return connected, err
}

// query runs the request's query. Through the driver's own interface: database/sql would end
// the query itself when its context is cancelled, and race with the driver's cancel request.
func query(conn driver.QueryerContext, r shim.Request, d *dialer) (texts [][]string, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	rows, err := conn.QueryContext(ctx, r.Query, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for {
		row := make([]driver.Value, len(rows.Columns()))
		if err := rows.Next(row); err == io.EOF {
			break
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
	if r.Then == "cancel" {
		// The driver sends its cancel request when the context of rows not yet closed is cancelled.
		cancelled := d.nextClose()
		cancel()
		select {
		case <-cancelled:
		case <-time.After(time.Duration(r.TimeoutMS) * time.Millisecond):
		}
	}
	return texts, nil
}

// scan reads a value of a type that database/sql does not know into the driver's own for it.
func scan(value driver.Value, column string) error {
	switch column {
	case "int4[]":
		return pq.Array(new([]sql.NullInt32)).(sql.Scanner).Scan(value)
	case "text[]":
		return pq.Array(new([]sql.NullString)).(sql.Scanner).Scan(value)
	case "hstore":
		return new(hstore.Hstore).Scan(value)
	}
	return nil
}

type connector struct {
	dsn     string
	dialer  *dialer
	notices *[]string
}

func (c connector) Driver() driver.Driver { return &pq.Driver{} }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := pq.DialOpen(c.dialer, c.dsn)
	if err == nil {
		pq.SetNoticeHandler(conn, func(notice *pq.Error) { *c.notices = append(*c.notices, notice.Message) })
	}
	return conn, err
}

// dialer is the driver's default but for the address, where the request names one, and for
// knowing its connections.
type dialer struct {
	net.Dialer
	hostaddr string

	mu     sync.Mutex
	open   map[*watched]struct{}
	closed chan struct{} // closed with the next connection that is
}

func (d *dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if _, port, err := net.SplitHostPort(address); err == nil && d.hostaddr != "" {
		address = net.JoinHostPort(d.hostaddr, port)
	}
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w := &watched{conn, d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open = map[*watched]struct{}{}
	}
	d.open[w] = struct{}{}
	return w, nil
}

// nextClose is closed when the driver next closes a connection.
func (d *dialer) nextClose() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = make(chan struct{})
	return d.closed
}

func (d *dialer) closeAll() {
	d.mu.Lock()
	left := slices.Collect(maps.Keys(d.open))
	d.mu.Unlock()
	for _, w := range left {
		w.Close()
	}
}

type watched struct {
	net.Conn
	dialer *dialer
}

func (w *watched) Close() error {
	err := w.Conn.Close()
	w.dialer.mu.Lock()
	defer w.dialer.mu.Unlock()
	delete(w.dialer.open, w)
	if w.dialer.closed != nil {
		close(w.dialer.closed)
		w.dialer.closed = nil
	}
	return err
}

func sqlState(err error) string {
	var server *pq.Error
	if errors.As(err, &server) {
		return string(server.Code)
	}
	return ""
}
