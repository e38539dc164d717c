module pgtls/shims/go

go 1.23
