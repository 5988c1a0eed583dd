-- Pushed events are forgotten some time after they were settled.
CREATE INDEX webhook_delivery_settled ON webhook_delivery (settled_at)
    WHERE settled_at IS NOT NULL AND recipient_id IS NULL;
