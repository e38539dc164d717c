//! The server's messages by the names that the protocol's documentation gives them.

/// The first message in `bytes`, if a whole one is there.
pub(crate) fn first_message(bytes: &[u8]) -> Option<&[u8]> {
    let (&[_, a, b, c, d], _) = bytes.split_first_chunk()?;
    bytes.get(..1 + u32::from_be_bytes([a, b, c, d]) as usize)
}

/// The name of a message; `unknown` where it has none.
pub(crate) fn of_backend(message: &[u8]) -> &'static str {
    let (tag, body) = match message {
        [tag, _, _, _, _, body @ ..] => (*tag, body),
        _ => return UNKNOWN,
    };
    match tag {
        b'R' => of_authentication(body),
        _ => BY_TAG.iter().find(|(known, _)| *known == tag).map_or(UNKNOWN, |(_, name)| name),
    }
}

/// Whether two names are the same, in snake_case or in the documentation's way.
pub(crate) fn are_same(name: &str, other: &str) -> bool {
    fn folded(text: &str) -> impl Iterator<Item = u8> + '_ {
        text.bytes().filter(|&byte| byte != b'_').map(|byte| byte.to_ascii_lowercase())
    }
    folded(name).eq(folded(other))
}

/// Whether a message of the server is called so.
pub(crate) fn is_backend(name: &str) -> bool {
    let all = BY_TAG.iter().map(|(_, name)| *name).chain(BY_CODE.iter().map(|(_, name)| *name));
    all.into_iter().any(|known| are_same(known, name))
}

const UNKNOWN: &str = "unknown";

const BY_TAG: [(u8, &str); 23] = [
    (b'S', "ParameterStatus"),
    (b'K', "BackendKeyData"),
    (b'Z', "ReadyForQuery"),
    (b'E', "ErrorResponse"),
    (b'N', "NoticeResponse"),
    (b'v', "NegotiateProtocolVersion"),
    (b'T', "RowDescription"),
    (b'D', "DataRow"),
    (b'C', "CommandComplete"),
    (b't', "ParameterDescription"),
    (b'1', "ParseComplete"),
    (b'2', "BindComplete"),
    (b'3', "CloseComplete"),
    (b'n', "NoData"),
    (b's', "PortalSuspended"),
    (b'I', "EmptyQueryResponse"),
    (b'd', "CopyData"),
    (b'c', "CopyDone"),
    (b'G', "CopyInResponse"),
    (b'H', "CopyOutResponse"),
    (b'W', "CopyBothResponse"),
    (b'V', "FunctionCallResponse"),
    (b'A', "NotificationResponse"),
];

const BY_CODE: [(u32, &str); 10] = [
    (0, "AuthenticationOk"),
    (2, "AuthenticationKerberosV5"),
    (3, "AuthenticationCleartextPassword"),
    (5, "AuthenticationMD5Password"),
    (7, "AuthenticationGSS"),
    (8, "AuthenticationGSSContinue"),
    (9, "AuthenticationSSPI"),
    (10, "AuthenticationSASL"),
    (11, "AuthenticationSASLContinue"),
    (12, "AuthenticationSASLFinal"),
];

fn of_authentication(body: &[u8]) -> &'static str {
    let code = body.first_chunk().map(|code| u32::from_be_bytes(*code));
    let known = BY_CODE.iter().find(|(known, _)| Some(*known) == code);
    known.map_or("Authentication", |(_, name)| name)
}
