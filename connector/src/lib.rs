//! libpq's sslmodes for tokio-postgres, on rustls and on native-tls.
