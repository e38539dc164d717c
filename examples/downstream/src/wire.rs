//! Messages: the login, the query, the end.

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::{
    authentication::{
        md5_hash,
        sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256},
    },
    message::{
        backend::{Header, Message},
        frontend,
    },
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{Config, Error, Transport};

/// As much as is read of a server before the driver gives up on it.
const MOST: usize = 16 << 20;
/// As long as a message may be.
const LONGEST: i32 = 1 << 20;

/// A connection, encrypted or not.
pub(crate) struct Wire {
    stream: Box<dyn Transport>,
    inbox: BytesMut,
    read: usize,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Transport>) -> Self {
        Self { stream, inbox: BytesMut::new(), read: 0 }
    }

    async fn send(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let mut message = BytesMut::new();
        write(&mut message)?;
        self.stream.write_all(&message).await?;
        Ok(self.stream.flush().await?)
    }

    /// The next message; an error of the server's is one here.
    async fn receive(&mut self) -> Result<Message, Error> {
        loop {
            // No answer here is longer, whatever a header announces.
            let header = Header::parse(&self.inbox)?;
            if header.is_some_and(|header| header.len() > LONGEST) {
                return Err("the server announces a message without end".into());
            }
            if let Some(message) = Message::parse(&mut self.inbox)? {
                let Message::ErrorResponse(body) = message else { return Ok(message) };
                let mut fields = body.fields();
                let mut said = String::new();
                while let Some(field) = fields.next()? {
                    if field.type_() == b'M' {
                        said = String::from_utf8_lossy(field.value_bytes()).into_owned();
                    }
                }
                return Err(said.into());
            }
            let read = self.stream.read_buf(&mut self.inbox).await?;
            self.read += read;
            if read == 0 || self.read > MOST {
                return Err("the server left, or never comes to an end".into());
            }
        }
    }

    pub(crate) async fn log_in(&mut self, config: &Config) -> Result<(), Error> {
        let parameters = [("user", &*config.user), ("database", &*config.dbname)];
        self.send(|to| frontend::startup_message(parameters, to)).await?;
        let password = config.password.as_bytes();
        match self.receive().await? {
            Message::AuthenticationOk => {}
            Message::AuthenticationCleartextPassword => {
                self.send(|to| frontend::password_message(password, to)).await?;
                self.is_let_in().await?;
            }
            Message::AuthenticationMd5Password(body) => {
                let hash = md5_hash(config.user.as_bytes(), password, body.salt());
                self.send(|to| frontend::password_message(hash.as_bytes(), to)).await?;
                self.is_let_in().await?;
            }
            Message::AuthenticationSasl(body) => {
                if !body.mechanisms().any(|mechanism| Ok(mechanism == SCRAM_SHA_256))? {
                    return Err("no mechanism of the server's is supported".into());
                }
                self.prove(password).await?;
            }
            _ => return Err("the server asked for no proof that is supported".into()),
        }
        loop {
            match self.receive().await? {
                Message::ReadyForQuery(_) => return Ok(()),
                Message::ParameterStatus(_)
                | Message::BackendKeyData(_)
                | Message::NoticeResponse(_) => {}
                _ => return Err("the login does not end as logins do".into()),
            }
        }
    }

    /// SCRAM: both sides prove that they know the password.
    async fn prove(&mut self, password: &[u8]) -> Result<(), Error> {
        let mut scram = ScramSha256::new(password, ChannelBinding::unsupported());
        self.send(|to| frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), to)).await?;
        match self.receive().await? {
            Message::AuthenticationSaslContinue(body) => scram.update(body.data())?,
            _ => return Err("the server does not go on with SCRAM".into()),
        }
        self.send(|to| frontend::sasl_response(scram.message(), to)).await?;
        match self.receive().await? {
            Message::AuthenticationSaslFinal(body) => scram.finish(body.data())?,
            // Whoever lets anybody in has not shown that it knows the password.
            _ => return Err("the server does not end SCRAM".into()),
        }
        self.is_let_in().await
    }

    async fn is_let_in(&mut self) -> Result<(), Error> {
        match self.receive().await? {
            Message::AuthenticationOk => Ok(()),
            _ => Err("the server did not let anybody in".into()),
        }
    }

    /// Asks one question by the simple protocol.
    pub(crate) async fn query(&mut self, query: &str) -> Result<Vec<Vec<String>>, Error> {
        self.send(|to| frontend::query(query, to)).await?;
        let mut rows = Vec::new();
        loop {
            match self.receive().await? {
                Message::ReadyForQuery(_) => return Ok(rows),
                Message::DataRow(body) => {
                    let buffer = body.buffer();
                    let value = |range: Option<std::ops::Range<usize>>| {
                        let bytes = range.map(|range| buffer.get(range).unwrap_or_default());
                        Ok(String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned())
                    };
                    rows.push(body.ranges().map(value).collect()?);
                }
                Message::RowDescription(_)
                | Message::CommandComplete(_)
                | Message::ParameterStatus(_)
                | Message::NoticeResponse(_) => {}
                _ => return Err("the query is not answered as queries are".into()),
            }
        }
    }

    pub(crate) async fn leave(mut self) {
        // The server may be gone already.
        let farewell = |to: &mut BytesMut| {
            frontend::terminate(to);
            Ok(())
        };
        let _ = self.send(farewell).await;
        let _ = self.stream.shutdown().await;
    }
}
