//! The reference of libpq, the judge, and the runner that drives stacks over the shim contract.
