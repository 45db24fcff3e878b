// A carrier over the npm package `smpp`: says what it gets as JSON lines, and answers by the last digit of the number.
//   1 refused   2 receipt before the answer   3 receipt and a reply after it   4 no room the first time   else accepted
// Ids are told in hex and reported in decimal, as many carriers do.
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const [key, cert] = process.argv.slice(2);
const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const full = new Set();
const ids = new Set();
let count = 0x1a00;

function deliver(session, pdu, fields) {
  const answered = (answer) => tell({ event: 'answered', status: answer.command_status });
  session.deliver_sm({ source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, ...fields }, answered);
}

function receipt(session, pdu, id) {
  const text = `id:${String(id).padStart(10, '0')} sub:001 dlvrd:001 submit date:2611241015 done date:2611241016 stat:DELIVRD err:000 text:`;
  deliver(session, pdu, { esm_class: 4, short_message: text });
}

function submitted(session, pdu) {
  const message = pdu.short_message && pdu.short_message.message !== undefined ? pdu.short_message : { message: '' };
  const text = String(pdu.message_payload ? pdu.message_payload.message : message.message);
  const last = pdu.destination_addr.slice(-1);
  if (last === '4' && !full.has(pdu.destination_addr)) {
    full.add(pdu.destination_addr);
    return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
  }
  const id = count++;
  tell({
    event: 'submit_sm', to: pdu.destination_addr, ton: pdu.dest_addr_ton, from: pdu.source_addr, text,
    coding: pdu.data_coding, header: (message.udh || []).map((element) => element.toString('hex')).join(),
    validity: pdu.validity_period, receipt: pdu.registered_delivery,
  });
  if (last === '1') return session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
  if (last === '2') receipt(session, pdu, id);
  ids.add(id.toString(16).toUpperCase());
  session.send(pdu.response({ message_id: id.toString(16).toUpperCase() }));
  if (last === '3') {
    receipt(session, pdu, id);
    deliver(session, pdu, { data_coding: 8, short_message: '折り返します😀' });
  }
}

const options = key ? { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } : {};
const server = smpp.createServer(options, (session) => {
  session.on('error', (error) => tell({ event: 'error', message: String(error) }));
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    session.on(kind, (pdu) => {
      const known = pdu.system_id === 'saikoku' && pdu.password === 'tanuki7';
      tell({ event: kind, known });
      session.send(pdu.response(known ? {} : { command_status: smpp.ESME_RINVPASWD }));
    });
  }
  session.on('submit_sm', (pdu) => submitted(session, pdu));
  session.on('query_sm', (pdu) => {
    tell({ event: 'query_sm', id: pdu.message_id, from: pdu.source_addr });
    const known = ids.has(pdu.message_id);
    session.send(pdu.response(known ? { message_id: pdu.message_id, message_state: 2 } : { command_status: smpp.ESME_RQUERYFAIL }));
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    tell({ event: 'unbind' });
    session.send(pdu.response());
    session.close();
  });
});
server.listen(0, '127.0.0.1', () => tell({ event: 'listening', port: server.address().port }));
