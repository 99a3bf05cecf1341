import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.EnumSet;
import remux.CloudEvent;
import remux.CloudEventBase64;
import remux.MpcNotification;
import remux.Outcome;
import remux.OutcomeKind;
import remux.PlainEvent;
import remux.Reason;
import remux.Recovery;
import remux.RemuxFailure;
import remux.SmnEnvelope;

/** Uses the types, as use.ts does. */
public class Use {
  private static final EnumSet<Reason> RETRIED = EnumSet.of(Reason.ACCEPTED, Reason.ALREADY_RUNNING, Reason.COVERED);
  private static final ObjectMapper JSON =
      new ObjectMapper().registerModule(new JavaTimeModule()).disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS);
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  public static void main(String[] args) throws Exception {
    EnumSet<Reason> read = EnumSet.noneOf(Reason.class);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] named = line.split("\t");
      if (named[0].equals("recovery")) {
        write("recovery", JSON.readValue(named[1], Recovery.class));
        continue;
      }
      Outcome outcome = JSON.readValue(named[1], Outcome.class);
      if (RETRIED.contains(outcome.getReason()) != (outcome.getOutcome() == OutcomeKind.RETRIED)) {
        throw new IllegalStateException("unexpected: " + line);
      }
      read.add(outcome.getReason());
      write("outcome", outcome);
    }
    if (!read.equals(EnumSet.allOf(Reason.class))) {
      throw new IllegalStateException("reasons were read: " + read);
    }

    PlainEvent plain = new PlainEvent();
    plain.setTaskId("538526");
    plain.setErrorCode("MPC.10105");
    write("plain", plain);

    PlainEvent number = new PlainEvent();
    number.setTaskId(538526);
    number.setErrorCode("MPC.10105");
    write("number", number);

    CloudEvent cloud = new CloudEvent();
    cloud.setId("e-1");
    cloud.setSource("/platform");
    cloud.setType("remux.failed");
    cloud.setData(plain);
    write("cloud", cloud);

    CloudEventBase64 base64 = new CloudEventBase64();
    base64.setId("e-1");
    base64.setDataBase64(Base64.getEncoder().encodeToString(JSON.writeValueAsBytes(plain)));
    write("base64", base64);

    RemuxFailure failure = new RemuxFailure();
    failure.setTaskId("538526");
    failure.setErrorCode("MPC.10105");
    MpcNotification mpc = new MpcNotification();
    mpc.setEventType("RemuxComplete");
    mpc.setRemuxInfo(failure);
    write("mpc", mpc);

    SmnEnvelope smn = new SmnEnvelope();
    smn.setType("Notification");
    smn.setMessageId("m-1");
    smn.setMessage(JSON.writeValueAsString(mpc));
    write("smn", smn);
  }

  private static void write(String name, Object value) throws Exception {
    OUT.println(name + "\t" + JSON.writeValueAsString(value));
  }
}
