"""What tests share: real servers on free ports, spans, and waiting for conditions."""
