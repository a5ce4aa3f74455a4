import { z } from 'zod';
import { secretReference, template } from '../../contract/schema-fields.ts';
import { defineConnector } from '../connector.ts';

export const netSuiteAccount = z.strictObject({
  account: z
    .string()
    .min(1)
    .max(32)
    .regex(/^[A-Za-z0-9_-]+$/)
    .describe('Account id, such as 1234567 or 1234567_SB1. Immutable.'),
  endpoint: z
    .strictObject({
      url: z
        .string()
        .max(2048)
        .regex(/^https?:\/\/[^/?#]+$/)
        .describe('Root of the REST services, without a path. Default: https://<account>.suitetalk.api.netsuite.com.'),
    })
    .optional()
    .describe('Where the account answers, when it is not the default. Part of the account: immutable.'),
  auth: z
    .strictObject({
      type: z.literal('ClientCredentials').describe('OAuth 2.0 client credentials with a signed assertion.'),
      clientCredentials: z
        .strictObject({
          clientID: z.string().min(1).max(128).describe('Client id of the integration record.'),
          certificateID: z.string().min(1).max(128).describe('Id of the certificate that was uploaded for it.'),
          algorithm: z.enum(['PS256', 'ES256']).describe('Signature algorithm of the assertion.'),
          privateKeySecretRef: secretReference().describe('Private key in PEM (PKCS #8) that belongs to the certificate.'),
        })
        .describe('Set exactly when type is ClientCredentials.'),
    })
    .describe('How calls are authorised.'),
});

export const netSuiteOperation = z.strictObject({
  record: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[a-zA-Z][a-zA-Z0-9_]*$/)
    .describe('Record type, such as salesOrder.'),
  operation: z
    .enum(['Upsert', 'Update'])
    .describe('Upsert creates or replaces by external id; Update changes fields of an existing record.'),
  externalID: template().describe('External id of the record; text with ${ CEL }.'),
});

export const netSuite = defineConnector({
  type: 'NetSuite',
  member: 'netSuite',
  title: 'NetSuite',
  account: netSuiteAccount,
  immutable: ['account', 'endpoint'],
  secrets: (account, role) => (role === 'deliver' ? [netSuiteAccount.parse(account).auth.clientCredentials.privateKeySecretRef] : []),
  sink: {
    operation: netSuiteOperation,
    idempotency: () => 'Upsert',
    load: async () => (await import('./sink.ts')).createNetSuiteSink,
  },
});
