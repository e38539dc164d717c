module pgtls/shims/lib-pq

go 1.23

require pgtls/shims/go v0.0.0

require github.com/lib/pq v1.12.3

replace pgtls/shims/go => ../go
