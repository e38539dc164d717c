//! The texts in a message: where a script's names in braces may stand.

use super::{message::BackendMessage, value::Value};

impl BackendMessage {
    /// Shows, and lets change, every text of the message.
    pub(crate) fn for_each_text(&mut self, change: &mut dyn FnMut(&mut Vec<u8>)) {
        match self {
            Self::AuthenticationMd5Password(body) => change(&mut body.salt.0),
            Self::AuthenticationSasl(body) => {
                body.mechanisms.iter_mut().for_each(|text| change(&mut text.0));
            }
            Self::AuthenticationGssContinue(body)
            | Self::AuthenticationSaslContinue(body)
            | Self::AuthenticationSaslFinal(body)
            | Self::CopyData(body) => change(&mut body.data.0),
            Self::BackendKeyData(body) => change(&mut body.key.0),
            Self::CommandComplete(body) => change(&mut body.tag.0),
            Self::DataRow(body) => body.values.iter_mut().for_each(|value| of_value(value, change)),
            Self::ErrorResponse(body) | Self::NoticeResponse(body) => {
                let named = [
                    &mut body.severity,
                    &mut body.sqlstate,
                    &mut body.message,
                    &mut body.detail,
                    &mut body.hint,
                ];
                let others = body.others.iter_mut().map(|field| &mut field.value);
                for text in named.into_iter().flatten().chain(others) {
                    change(&mut text.0);
                }
            }
            Self::FunctionCallResponse(body) => of_value(&mut body.value, change),
            Self::NegotiateProtocolVersion(body) => {
                body.unrecognized.iter_mut().for_each(|text| change(&mut text.0));
            }
            Self::NotificationResponse(body) => {
                change(&mut body.channel.0);
                change(&mut body.payload.0);
            }
            Self::ParameterStatus(body) => {
                change(&mut body.name.0);
                change(&mut body.value.0);
            }
            Self::RowDescription(body) => {
                body.columns.iter_mut().for_each(|column| change(&mut column.name.0));
            }
            Self::AuthenticationOk(_)
            | Self::AuthenticationKerberosV5(_)
            | Self::AuthenticationCleartextPassword(_)
            | Self::AuthenticationGss(_)
            | Self::AuthenticationSspi(_)
            | Self::BindComplete(_)
            | Self::CloseComplete(_)
            | Self::CopyDone(_)
            | Self::CopyInResponse(_)
            | Self::CopyOutResponse(_)
            | Self::CopyBothResponse(_)
            | Self::EmptyQueryResponse(_)
            | Self::NoData(_)
            | Self::ParameterDescription(_)
            | Self::ParseComplete(_)
            | Self::PortalSuspended(_)
            | Self::ReadyForQuery(_) => {}
        }
    }
}

fn of_value(value: &mut Value, change: &mut dyn FnMut(&mut Vec<u8>)) {
    if let Some(bytes) = &mut value.bytes {
        change(&mut bytes.0);
    }
}
