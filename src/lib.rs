//! The command line, the reports and the built-in stacks of pgtls.
