package shim

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// closing is how long a driver's connections may outlive its answer.
const closing = 500 * time.Millisecond

// Sockets are the connections that a driver makes for one request. They are handed on as they are: what
// a driver does may hang on their type.
type Sockets struct {
	mu   sync.Mutex
	open []syscall.RawConn
}

// Watch gives a dial function that notes what the given one connects.
func (s *Sockets) Watch(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if socket, ok := conn.(syscall.Conn); ok && err == nil {
			if raw, err := socket.SyscallConn(); err == nil {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.open = append(s.open, raw)
			}
		}
		return conn, err
	}
}

// Settle lets what a driver does behind its caller's back (closing, cancelling) come to its end.
func (s *Sockets) Settle() {
	for end := time.Now().Add(closing); !s.closed() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

func (s *Sockets) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, socket := range s.open {
		if socket.Control(func(uintptr) {}) == nil {
			return false
		}
	}
	return true
}
