//! TLS alerts: their names (RFC 8446, section 6, and the registry of IANA), and one to send.

/// An alert in words, such as `fatal unknown_ca`.
pub(crate) fn describe(level: u8, description: u8) -> String {
    let level = match level {
        1 => "warning",
        2 => "fatal",
        _ => "unknown-level",
    };
    match name(description) {
        Some(name) => format!("{level} {name}"),
        None => format!("{level} alert {description}"),
    }
}

/// An unencrypted record that holds an alert.
pub(crate) const fn record(level: u8, description: u8) -> [u8; 7] {
    [21, 3, 3, 0, 2, level, description]
}

const fn name(description: u8) -> Option<&'static str> {
    Some(match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_their_registered_names() {
        assert_eq!(describe(2, 48), "fatal unknown_ca");
        assert_eq!(describe(1, 0), "warning close_notify");
        assert_eq!(describe(2, 200), "fatal alert 200");
        assert_eq!(record(2, 40), [21, 3, 3, 0, 2, 2, 40]);
    }
}
