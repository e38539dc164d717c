// Package shim speaks the shim contract, version 1, for a Go driver: reading, refusing, answering.
package shim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// HstoreOID is the mock server's oid of hstore, which has none of its own: applications look it up once.
const HstoreOID = 16385

// concurrency is how many requests are at work at a time: most of them may wait for a silent server, and yet a
// processor has work; where the process dies, they are few enough to be asked again one by one.
const concurrency = 16

// longest is how much text of one answer is told, in bytes: a hostile server sends more than a line of the
// contract holds.
const longest = 1 << 16

// Supports says what a driver takes; what it does not is refused before it is asked.
type Supports struct {
	SSLMode        []string `json:"sslmode"`
	SSLNegotiation []string `json:"sslnegotiation"`
	SSLRootCert    []string `json:"sslrootcert"`
	ChannelBinding []string `json:"channel_binding"`
	Hostaddr       bool     `json:"hostaddr"`
	SSLCert        bool     `json:"sslcert"`
	SSLCRL         bool     `json:"sslcrl"`
	Cancel         bool     `json:"cancel"`
	Concurrency    int      `json:"concurrency"` // Serve's own
}

// Request is one line from the runner; an empty string is an absent key.
type Request struct {
	Type           string
	ID             int64
	Host           string
	Hostaddr       string
	Port           int
	User           string
	Password       string
	DBName         string
	TimeoutMS      int `json:"timeout_ms"`
	Query          string
	SSLMode        string
	SSLRootCert    string
	SSLNegotiation string
	ChannelBinding string `json:"channel_binding"`
	SSLCert        string
	SSLKey         string
	SSLCRL         string
	Then           string
	Fetch          []string // the types of the columns that are to be read as the driver's natural values
}

// Connected is what a driver saw of a connection that worked. TLS is nil where it does not tell.
type Connected struct {
	TLS  *bool
	Rows [][]string
}

// Driver is one driver behind the contract. Connect connects, queries, closes; texts that the
// driver hands to the application besides its error are added to notices. It is called by several
// goroutines at a time.
type Driver struct {
	Name     string
	Module   string // the Go module whose version is reported
	Supports Supports
	Connect  func(r Request, notices *[]string) (Connected, error)
	SQLState func(error) string // the server's code in an error, or ""
}

// Serve answers requests until standard input ends, each in a goroutine of its own.
func Serve(d Driver) {
	d.Supports.Concurrency = concurrency
	var working sync.WaitGroup
	defer working.Wait()
	var writing sync.Mutex
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	answer := func(answer map[string]any) {
		writing.Lock()
		defer writing.Unlock()
		if err := out.Encode(answer); err != nil {
			fmt.Fprintln(os.Stderr, "no answer:", err)
			os.Exit(1)
		}
	}
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var r Request
		if err := json.Unmarshal(line, &r); err != nil {
			fmt.Fprintln(os.Stderr, "not a request:", err)
			os.Exit(1)
		}
		if r.Type == "hello" {
			answer(map[string]any{"type": "hello", "contract": 1, "name": d.Name, "version": version(d.Module),
				"tls": "crypto/tls " + runtime.Version(), "supports": d.Supports})
			continue
		}
		working.Add(1)
		go func() {
			defer working.Done()
			answer(d.result(r))
		}()
	}
}

func (d Driver) result(r Request) map[string]any {
	answer := map[string]any{"type": "result", "id": r.ID}
	if reason := d.Supports.refusal(r); reason != "" {
		answer["outcome"], answer["reason"] = "unsupported", reason
		return answer
	}
	var notices []string
	connected, err := d.Connect(r, &notices)
	if err != nil {
		class := d.SQLState(err)
		if class == "" {
			class = fmt.Sprintf("%T", innermost(err))
		}
		message := strings.Join(append([]string{err.Error()}, notices...), "\n")
		message = message[:min(len(message), longest)]
		answer["outcome"], answer["error"] = "failed", map[string]string{"class": class, "message": message}
		return answer
	}
	answer["outcome"], answer["tls"], answer["rows"] = "connected", connected.TLS, told(connected.Rows)
	return answer
}

// told is what of the rows a line of the contract takes, none of them null.
func told(rows [][]string) [][]string {
	left, lines := longest, [][]string{}
	for _, row := range rows {
		line := []string{}
		for _, text := range row {
			line = append(line, text[:max(0, min(len(text), left))])
			if left -= len(text) + 1; left <= 0 {
				break
			}
		}
		lines = append(lines, line)
		if left--; left <= 0 {
			break
		}
	}
	return lines
}

func (s Supports) refusal(r Request) string {
	switch {
	case r.SSLMode != "" && !slices.Contains(s.SSLMode, r.SSLMode):
		return "no sslmode=" + r.SSLMode
	case r.SSLNegotiation != "" && !slices.Contains(s.SSLNegotiation, r.SSLNegotiation):
		return "no sslnegotiation=" + r.SSLNegotiation
	case r.SSLRootCert == "system" && !slices.Contains(s.SSLRootCert, "system"):
		return "no sslrootcert=system"
	case r.ChannelBinding != "" && !slices.Contains(s.ChannelBinding, r.ChannelBinding):
		return "no channel_binding=" + r.ChannelBinding
	case r.SSLCert != "" && !s.SSLCert:
		return "no sslcert"
	case r.SSLCRL != "" && !s.SSLCRL:
		return "no sslcrl"
	case r.Then == "cancel" && !s.Cancel:
		return "no cancel"
	}
	return ""
}

// Conninfo writes the settings that a request names, and no others, as a connection string.
func (r Request) Conninfo() string {
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var settings []string
	for _, kv := range [][2]string{
		{"host", r.Host}, {"port", fmt.Sprint(r.Port)}, {"user", r.User}, {"password", r.Password}, {"dbname", r.DBName},
		{"sslmode", r.SSLMode}, {"sslnegotiation", r.SSLNegotiation}, {"sslrootcert", r.SSLRootCert},
		{"channel_binding", r.ChannelBinding}, {"sslcert", r.SSLCert}, {"sslkey", r.SSLKey},
	} {
		if kv[1] != "" {
			settings = append(settings, fmt.Sprintf("%s='%s'", kv[0], quote.Replace(kv[1])))
		}
	}
	return strings.Join(settings, " ")
}

// innermost follows the last cause of an error to its end.
func innermost(err error) error {
	for {
		switch e := err.(type) {
		case interface{ Unwrap() []error }:
			causes := e.Unwrap()
			if len(causes) == 0 {
				return err
			}
			err = causes[len(causes)-1]
		default:
			cause := errors.Unwrap(err)
			if cause == nil {
				return err
			}
			err = cause
		}
	}
}

func version(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return strings.TrimPrefix(dependency.Version, "v")
			}
		}
	}
	return "unknown"
}
